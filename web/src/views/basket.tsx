/** What is held, for how long, and the way to pay or to let go. */
import { useAction } from "../api/loading.ts";
import { type Basket, basket, extend, orderAndOpenCheckout, release, setBasket } from "../basket.ts";
import { shortDayText, timeText } from "../dates.ts";
import { Countdown, useTimeLeft } from "../parts/countdown.tsx";
import { Page } from "../parts/page.tsx";
import { Places } from "../parts/places.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { useStore } from "../store.ts";

function Held({ held }: { held: Basket }) {
  const left = useTimeLeft(held);
  const paying = useAction();
  const releasing = useAction();
  const extending = useAction();
  const { event } = held;
  const pay = (): void => {
    void paying.run(async () => window.location.assign(await orderAndOpenCheckout(held)));
  };
  if (left === 0) {
    return (
      <>
        <p class="note" role="status">
          The time to pay for {event.name} is over, and the places went back on sale.
        </p>
        <p>
          <a class="button" href={`/events/${event.event_id}`} onClick={() => setBasket(null)}>
            Choose again
          </a>
        </p>
      </>
    );
  }
  return (
    <div class="card">
      <p class="kept">
        Kept for you for <Countdown left={left} />
        {!held.hold.extended && held.orderId === null && (
          <button type="button" class="plain" disabled={extending.busy} onClick={() => void extending.run(() => extend(held))}>
            More time
          </button>
        )}
      </p>
      <h2>
        <a href={`/events/${event.event_id}`}>{event.name}</a>
      </h2>
      <p class="quiet">
        {shortDayText(event.starts_at, event.time_zone)}, {timeText(event.starts_at, event.time_zone)} · {event.venue.name}
      </p>
      <Places places={held.hold.places} total={held.hold.total} />
      <ProblemNote problem={paying.problem ?? releasing.problem ?? extending.problem} />
      <div class="actions">
        <button type="button" class="button" disabled={paying.busy || releasing.busy} onClick={pay}>
          {paying.busy ? "Opening the checkout…" : held.hold.total.amount === 0 ? "Order" : held.orderId === null ? "Order and pay" : "Pay"}
        </button>
        <button
          type="button"
          class="button quiet-button"
          disabled={paying.busy || releasing.busy}
          onClick={() => void releasing.run(() => release(held))}
        >
          {releasing.busy ? "Giving back…" : "Give back"}
        </button>
      </div>
      {held.hold.total.amount > 0 && <p class="quiet small">You pay on the payment company's page and come back here for your tickets.</p>}
      {held.orderId === null && (
        <a class="plain" href={`/events/${event.event_id}`}>
          Change what is in it
        </a>
      )}
      {held.orderId !== null && (
        <a class="plain" href={`/orders/${held.orderId}`}>
          See the order
        </a>
      )}
    </div>
  );
}

export function BasketView() {
  const held = useStore(basket);
  return (
    <Page title="Basket" narrow>
      {held === null ? (
        <p>
          The basket is empty. <a href="/">See what is on</a>.
        </p>
      ) : (
        <Held held={held} />
      )}
    </Page>
  );
}
