/** What each state of an order means for the person who pays. */
import type { OrderState } from "../api/types.ts";

interface StateText {
  label: string;
  tone: "good" | "bad" | "open" | "still";
  sentence: string;
}

export const STATES: Record<OrderState, StateText> = {
  pending: {
    label: "Not paid yet",
    tone: "open",
    sentence: "We are waiting for the payment company's word. If you have just paid, it comes in a moment.",
  },
  paid: { label: "Paid", tone: "open", sentence: "Your payment has arrived. The places are being confirmed." },
  confirmed: { label: "Confirmed", tone: "good", sentence: "The places are yours. The tickets are also on their way by mail." },
  expired: {
    label: "Run out",
    tone: "bad",
    sentence:
      "The time to pay is over, and the places went back on sale. If you paid in the last moment, you get either the tickets or all of your money back.",
  },
  cancelled: { label: "Given up", tone: "still", sentence: "This order was given up. Nothing was charged." },
  refunding: { label: "Being refunded", tone: "bad", sentence: "You get all of your money back; the refund is under way." },
  refunded: { label: "Refunded", tone: "bad", sentence: "All of your money was sent back. Tickets of this order are not valid." },
  partially_refunded: { label: "Partly refunded", tone: "still", sentence: "A part of your money was sent back." },
};

/** States that stay as they are, so that nobody needs to ask again. */
export function isFinal(state: OrderState): boolean {
  return state === "confirmed" || state === "cancelled" || state === "refunded" || state === "partially_refunded";
}
