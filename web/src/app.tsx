/** The frame around all pages, and which page an address means. */
import { session, signOut } from "./api/session.ts";
import { basket } from "./basket.ts";
import { Countdown, useTimeLeft } from "./parts/countdown.tsx";
import { Page } from "./parts/page.tsx";
import { doorsOf, keysOf, salesOf } from "./roles.ts";
import { location, navigate, signInPath } from "./router.ts";
import { useStore } from "./store.ts";
import { BasketView } from "./views/basket.tsx";
import { DoorView } from "./views/door.tsx";
import { EventView } from "./views/event.tsx";
import { EventsView } from "./views/events.tsx";
import { KeysView } from "./views/keys.tsx";
import { OnSaleView } from "./views/on-sale.tsx";
import { OrderView } from "./views/order.tsx";
import { OrdersView } from "./views/orders.tsx";
import { SalesView } from "./views/sales.tsx";
import { SignInView } from "./views/sign-in.tsx";
import { WaitingListView } from "./views/waiting-list.tsx";

// Pages that are reached from another one.
const UNDER: Record<string, string[]> = { "/": ["/events", "/waiting-list"], "/sales": ["/on-sale"] };

function NavLink({ to, children }: { to: string; children: string }) {
  const { path } = useStore(location);
  const here = path === to || [...(UNDER[to] ?? []), to].some((room) => room !== "/" && path.startsWith(`${room}/`));
  return (
    <a href={to} aria-current={here ? "page" : undefined}>
      {children}
    </a>
  );
}

function BasketLink() {
  const held = useStore(basket);
  const left = useTimeLeft(held);
  if (held === null || left === 0) return null;
  return (
    <a class="basket-link" href="/basket">
      Basket <Countdown left={left} />
    </a>
  );
}

function Header() {
  const { state, me } = useStore(session);
  const { path } = useStore(location);
  const leave = (): void => void signOut().then(() => navigate("/"));
  return (
    <header>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <div class="bar-top">
        <a class="brand" href="/">
          <img src="/favicon.svg" alt="" width="28" height="28" /> Stagedoor
        </a>
        <BasketLink />
        {state === "in" && (
          <button type="button" class="plain" onClick={leave} title={me?.email}>
            Sign out
          </button>
        )}
        {state === "out" && !path.startsWith("/sign-") && (
          <a class="account" href={signInPath()}>
            Sign in
          </a>
        )}
      </div>
      <nav aria-label="Pages">
        <NavLink to="/">Events</NavLink>
        <NavLink to="/orders">My orders</NavLink>
        {salesOf(me).length > 0 && <NavLink to="/sales">Sales</NavLink>}
        {keysOf(me).length > 0 && <NavLink to="/keys">Keys</NavLink>}
        {doorsOf(me).length > 0 && <NavLink to="/door">Door</NavLink>}
      </nav>
    </header>
  );
}

function View() {
  const { path, query } = useStore(location);
  const [, room = "", id, more] = path.split("/");
  if (room === "events" && id && more === undefined) return <EventView eventId={id} />;
  if (room === "on-sale" && id && more === undefined) return <OnSaleView eventId={id} />;
  if (room === "waiting-list" && id && more === undefined) return <WaitingListView eventId={id} />;
  if (room === "orders" && id && more === undefined) return <OrderView orderId={id} query={query} />;
  if (id === undefined) {
    switch (room) {
      case "":
        return <EventsView query={query} />;
      case "sign-in":
      case "sign-up":
        return <SignInView query={query} isNew={room === "sign-up"} />;
      case "basket":
        return <BasketView />;
      case "orders":
        return <OrdersView />;
      case "sales":
        return <SalesView />;
      case "keys":
        return <KeysView />;
      case "door":
        return <DoorView />;
    }
  }
  return (
    <Page title="No such page" narrow>
      <p>
        There is nothing at this address. <a href="/">See what is on</a>.
      </p>
    </Page>
  );
}

export function App() {
  return (
    <>
      <Header />
      <View />
    </>
  );
}
