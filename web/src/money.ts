/** Amounts as people read them. */
import type { Money } from "./api/types.ts";

const formats = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string): Intl.NumberFormat {
  let format = formats.get(currency);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", { style: "currency", currency });
    formats.set(currency, format);
  }
  return format;
}

/** Minor units as text: `$45.00`, `¥4,500`. Currencies differ in how many decimals they have. */
export function moneyText(money: Money): string {
  return formatOf(money.currency).format(money.amount / 10 ** decimalsOf(money.currency));
}

/** How many decimals a currency has. */
export function decimalsOf(currency: string): number {
  return formatOf(currency).resolvedOptions().maximumFractionDigits ?? 2;
}

/** The sign of a currency, as it stands before an amount: `$`. */
export function signOf(currency: string): string {
  return formatOf(currency).formatToParts(0).find((part) => part.type === "currency")?.value ?? currency;
}

/** The sum of amounts in one currency; null for none. */
export function sumOf(amounts: Money[]): Money | null {
  const first = amounts[0];
  if (first === undefined) return null;
  return { amount: amounts.reduce((sum, each) => sum + each.amount, 0), currency: first.currency };
}
