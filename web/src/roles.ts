/** Which pages a person's roles open. The API decides; this only spares people doors that would stay shut. */
import type { Me, Membership } from "./api/types.ts";

const SEES_SALES = ["owner", "manager", "box_office"];
const KEEPS_KEYS = ["owner", "manager"];
const KEEPS_GATES = ["owner", "manager"];

export function salesOf(me: Me | null): Membership[] {
  return me?.memberships.filter((one) => SEES_SALES.includes(one.role)) ?? [];
}

export function keysOf(me: Me | null): Membership[] {
  return me?.memberships.filter((one) => KEEPS_KEYS.includes(one.role)) ?? [];
}

/** Every member may stand at the door. */
export function doorsOf(me: Me | null): Membership[] {
  return me?.memberships ?? [];
}

export function keepsGates(membership: Membership): boolean {
  return KEEPS_GATES.includes(membership.role);
}
