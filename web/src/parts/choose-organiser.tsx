/** For members of several organisers: whose page it is. */
import { useState } from "preact/hooks";
import type { Membership } from "../api/types.ts";
import { Choice } from "./choice.tsx";

/** The membership chosen, the first at the beginning, and what lets one choose another, if there is another. */
export function useOrganiser(memberships: Membership[]) {
  const [organiserId, setOrganiserId] = useState<string | null>(null);
  const membership = memberships.find((one) => one.organiser_id === organiserId) ?? memberships[0];
  const options = memberships.map((one) => ({ value: one.organiser_id, label: one.organiser_name }));
  const choice =
    membership === undefined || memberships.length < 2 ? null : (
      <Choice label="Organiser" value={membership.organiser_id} options={options} onValue={setOrganiserId} />
    );
  return { membership, choice };
}
