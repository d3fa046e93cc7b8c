// node defer.mjs URL : what clients of each form of `@defer` show of one operation, as JSON {client: [data, ...]}.
import * as four from '@apollo/client';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import * as three from 'apollo-client-3/core/index.js';

const [url] = process.argv.slice(2);
const query = four.gql`query Deferred {
  user(by: { id: "787132" }) {
    id
    ... @defer(label: "tray") { highlights { totalCount nodes { id } } }
    ... @defer(label: "text") { fullName }
  }
}`;

function shown({ ApolloClient, HttpLink, InMemoryCache }, options = {}) {
  const accepted = [];
  const link = new HttpLink({
    uri: url,
    async fetch(target, init) {
      const answer = await fetch(target, init);
      accepted.push(init.headers.accept, answer.headers.get('content-type'));
      return answer;
    },
  });
  const client = new ApolloClient({ link, cache: new InMemoryCache(), ...options });
  return new Promise((resolve, reject) => {
    const states = [];
    client.watchQuery({ query, fetchPolicy: 'network-only' }).subscribe({
      next({ data, error }) {
        if (error) return reject(error);
        if (!data?.user) return;
        states.push(data);
        const { highlights, fullName } = data.user;
        if (highlights && fullName !== undefined) resolve({ accepted, states });
      },
      error: reject,
    });
  });
}

console.log(
  JSON.stringify({
    three: await shown(three),
    four: await shown(four, { incrementalHandler: new GraphQL17Alpha9Handler() }),
    'four, older form': await shown(four, { incrementalHandler: new Defer20220824Handler() }),
  }),
);
process.exit(0);
