import { useGraphiQLActions } from '@graphiql/react';
import { answer } from '../shared/answer';
import { bringIntoView } from '../shared/narrow';
import { useAnswerInView, usePanelInView, useTabInView } from '../shared/view';
import { quote } from './quote';
import { range } from './range';
import { useEditors, useWatch } from './watch';

/** One line that is always there: the price before, the bill after, and how many errors came. */
export function PriceLine() {
  useWatch();
  useTabInView();
  useAnswerInView();
  usePanelInView();
  const { setVisiblePlugin } = useGraphiQLActions();
  const price = quote.use()?.price;
  const { billing: bill, errors } = answer.use() ?? {};
  const show = () => {
    setVisiblePlugin('Billing');
    bringIntoView('.graphiql-plugin');
  };
  return (
    <div className="hg-bar-line">
      <button type="button" className="hg-line" onClick={show} data-testid="price-line">
        <span className="hg-line-part">
          Next run <b data-testid="next-price">{price ? range(price) : '–'}</b>
          {price?.withinBudget === false && <span className="hg-over"> more than you may spend</span>}
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
      {errors && errors.length > 0 && <Errors count={errors.length} />}
    </div>
  );
}

// Two spaces: no other key of a printed answer stands so far to the left, and no string goes over lines.
const ERRORS = '^  "errors": \\[';

/** Leads to them: they stand below the data, however long that is. */
function Errors({ count }: { count: number }) {
  const { responseEditor } = useEditors();
  const show = () => {
    bringIntoView('.graphiql-response');
    const start = { lineNumber: 1, column: 1 };
    const found = responseEditor?.getModel()?.findNextMatch(ERRORS, start, true, true, null, false);
    if (!responseEditor || !found) return;
    responseEditor.setPosition({ lineNumber: found.range.startLineNumber, column: 1 });
    responseEditor.revealLineNearTop(found.range.startLineNumber);
    responseEditor.focus();
  };
  return (
    <button type="button" className="hg-errors" onClick={show} title="Show them in the answer">
      {count} {count === 1 ? 'error' : 'errors'}
    </button>
  );
}
