import { explorerPlugin } from '@graphiql/plugin-explorer';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { PriceLine } from './billing/line';
import { BillingPanel } from './billing/panel';
import { CreatePanel } from './create/panel';
import { ExamplesPanel } from './examples/panel';
import { opening } from './examples/tabs';
import { BillingIcon, CreateIcon, ExamplesIcon, PreviewIcon } from './icons';
import { PreviewPanel } from './preview/panel';
import { fetcher, key } from './shared/gateway';

const plugins = [
  { title: 'Billing', icon: BillingIcon, content: BillingPanel },
  { title: 'Preview', icon: PreviewIcon, content: PreviewPanel },
  { title: 'Create', icon: CreateIcon, content: CreatePanel },
  { title: 'Examples', icon: ExamplesIcon, content: ExamplesPanel },
  explorerPlugin(),
  HISTORY_PLUGIN,
];

export function Console() {
  return (
    <GraphiQL fetcher={fetcher} plugins={plugins} {...opening()} visiblePlugin="Billing"
      defaultEditorToolsVisibility="variables" shouldPersistHeaders={false}>
      <GraphiQL.Logo>
        <h1 className="hg-logo">
          Highlights <em>Gateway</em>
        </h1>
        {key.get() && <Forget />}
      </GraphiQL.Logo>
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
