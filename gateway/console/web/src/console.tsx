import { explorerPlugin } from '@graphiql/plugin-explorer';
import { GraphiQL, HISTORY_PLUGIN, type GraphiQLProps } from 'graphiql';
import { outcome } from './accounts/connections';
import { AccountsPanel } from './accounts/panel';
import { PriceLine } from './billing/line';
import { BillingPanel } from './billing/panel';
import { CopyAs } from './copy/buttons';
import { CreatePanel } from './create/panel';
import { ExamplesPanel } from './examples/panel';
import { opening } from './examples/tabs';
import { AccountsIcon, BillingIcon, CreateIcon, ExamplesIcon, PreviewIcon } from './icons';
import { PreviewPanel } from './preview/panel';
import { fetcher, key } from './shared/gateway';

const PANELS = [
  { title: 'Billing', icon: BillingIcon, content: BillingPanel },
  { title: 'Preview', icon: PreviewIcon, content: PreviewPanel },
  { title: 'Create', icon: CreateIcon, content: CreatePanel },
  { title: 'Accounts', icon: AccountsIcon, content: AccountsPanel },
  { title: 'Examples', icon: ExamplesIcon, content: ExamplesPanel },
];
const WITH_SCHEMA: Partial<GraphiQLProps> = { plugins: [...PANELS, explorerPlugin(), HISTORY_PLUGIN], visiblePlugin: outcome ? 'Accounts' : 'Billing' };
// What shows or asks for the schema is left out.
const WITHOUT_SCHEMA: Partial<GraphiQLProps> = {
  plugins: [...PANELS, HISTORY_PLUGIN],
  visiblePlugin: outcome ? 'Accounts' : 'Examples',
  referencePlugin: null,
  schema: null,
  className: 'hg-no-schema',
};

export function Console({ hasSchema }: { hasSchema: boolean }) {
  return (
    <GraphiQL fetcher={fetcher} {...(hasSchema ? WITH_SCHEMA : WITHOUT_SCHEMA)} {...opening()}
      defaultEditorToolsVisibility="variables" shouldPersistHeaders={false}>
      <GraphiQL.Logo>
        <h1 className="hg-logo">
          Highlights <em>Gateway</em>
        </h1>
        {key.get() && <Forget />}
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, merge, copy }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <CopyAs />
          </>
        )}
      </GraphiQL.Toolbar>
      <GraphiQL.Footer>
        <PriceLine />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

function Forget() {
  const forget = () => {
    key.forget();
    location.reload();
  };
  return (
    <button type="button" className="hg-forget" onClick={forget}>
      Forget key
    </button>
  );
}
