/** Places with their prices, and the sum. */
import type { Money, PlaceSold } from "../api/types.ts";
import { moneyText } from "../money.ts";
import { placeText } from "../seats.ts";

export function Places({ places, total }: { places: PlaceSold[]; total: Money }) {
  return (
    <table class="places">
      <caption class="hidden">Places</caption>
      <tbody>
        {places.map((place) => (
          <tr key={`${place.pool_id} ${place.block} ${place.slot}`}>
            <th scope="row">
              {placeText(place)}
              {place.seat !== null && <span class="quiet small">{place.ticket_type_name}</span>}
            </th>
            <td>{moneyText(place.price)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          <td>{moneyText(total)}</td>
        </tr>
      </tfoot>
    </table>
  );
}
