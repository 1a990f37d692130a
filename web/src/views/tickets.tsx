/** The tickets of an order: codes for the door, and the PDF. */
import { getBlob } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import type { Ticket } from "../api/types.ts";
import { saveBlob } from "../parts/saving.ts";
import { ProblemNote } from "../parts/problem-note.tsx";

/** The QR symbol as a data address: an <img> cannot send the token, and a picture runs no script of an SVG. */
async function pictureOf(ticket: Ticket): Promise<string> {
  const svg = await getBlob(`/v1/tickets/${ticket.ticket_id}/qr`, "image/svg+xml");
  return `data:image/svg+xml,${encodeURIComponent(await svg.text())}`;
}

function TicketCard({ ticket }: { ticket: Ticket }) {
  const shows = ticket.code !== null;
  const picture = useLoaded(async () => (shows ? pictureOf(ticket) : null), [ticket.ticket_id, shows]);
  return (
    <li class="card ticket">
      <div>
        <h3>{ticket.place_label}</h3>
        {ticket.place_label !== ticket.ticket_type_name && <p class="quiet">{ticket.ticket_type_name}</p>}
        {ticket.state === "revoked" && <p class="wrong">Not valid any more</p>}
        {ticket.is_inside && <p class="quiet">Used: this ticket is inside</p>}
      </div>
      {picture.value !== null && <img src={picture.value} width="220" height="220" alt={`The code of the ticket for ${ticket.place_label}`} />}
      <ProblemNote problem={picture.problem} again={picture.reload} />
      {ticket.code !== null && (
        <details>
          <summary>The code as text</summary>
          <code class="breakable">{ticket.code}</code>
        </details>
      )}
    </li>
  );
}

interface TicketListProps {
  orderId: string;
  tickets: Ticket[];
  isBuyer: boolean;
}

export function TicketList({ orderId, tickets, isBuyer }: TicketListProps) {
  const saving = useAction();
  const save = (): void => {
    void saving.run(async () => {
      saveBlob(await getBlob(`/v1/ticket-documents/${orderId}`, "application/pdf"), `tickets-${orderId}.pdf`);
    });
  };
  return (
    <section aria-labelledby="tickets">
      <div class="heading-row">
        <h2 id="tickets">{tickets.length === 1 ? "Your ticket" : `Your ${tickets.length} tickets`}</h2>
        {isBuyer && (
          <button type="button" class="button quiet-button" disabled={saving.busy} onClick={save}>
            {saving.busy ? "Fetching…" : "Save as PDF"}
          </button>
        )}
      </div>
      <ProblemNote problem={saving.problem} />
      <p class="quiet">Show each code at the door. It works once.</p>
      <ul class="ticket-list">
        {tickets.map((ticket) => (
          <TicketCard key={ticket.ticket_id} ticket={ticket} />
        ))}
      </ul>
    </section>
  );
}
