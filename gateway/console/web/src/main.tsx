import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './style/panels.css';
import './style/preview.css';
import './style/posts.css';
import './style/create.css';
import './style/narrow.css';
import { createRoot } from 'react-dom/client';
import { Console } from './console';
import { Gate } from './key/gate';
import { keepAccessible } from './shared/access';

const root = document.getElementById('root')!;
keepAccessible(root);
createRoot(root).render(
  <Gate>
    {(hasSchema) => <Console hasSchema={hasSchema} />}
  </Gate>,
);
