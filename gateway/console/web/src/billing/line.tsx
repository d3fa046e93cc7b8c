import { useGraphiQLActions } from '@graphiql/react';
import { answer } from '../shared/answer';
import { quote } from './quote';
import { range } from './range';
import { useWatch } from './watch';

/** One line that is always there: the price before, the bill after. A click opens the panel. */
export function PriceLine() {
  useWatch();
  const { setVisiblePlugin } = useGraphiQLActions();
  const price = quote.use()?.price;
  const bill = answer.use()?.billing;
  return (
    <button type="button" className="hg-line" onClick={() => setVisiblePlugin('Billing')} data-testid="price-line">
      <span className="hg-line-part">
        Next run <b data-testid="next-price">{price ? range(price) : '–'}</b>
      </span>
      {bill && (
        <span className="hg-line-part">
          Last run <b>{bill.charged}</b>
          {bill.savedByCache + bill.savedBySharing > 0 && (
            <span className="hg-saved"> saved {bill.savedByCache + bill.savedBySharing}</span>
          )}
        </span>
      )}
      <span className="hg-line-unit">billed requests</span>
    </button>
  );
}
