// The nodes and the lists of the graph, as its types have them: a new one cannot be forgotten.
import { readFileSync } from 'node:fs';
import { buildSchema, getNamedType, isObjectType } from 'graphql';

const PAGING = ['first', 'after', 'last', 'before'];
const schema = buildSchema(readFileSync('api.graphql', 'utf8'));
const types = Object.values(schema.getTypeMap()).filter(isObjectType);
const isNode = (type) => type.getInterfaces().some(({ name }) => name === 'Node');

export const nodes = types.filter(isNode).map(({ name }) => name);

// Each with the type that has it, the arguments that page it and those that select, and whether its parent can be
// fetched again: Relay knows how of the root and of nodes.
export const lists = types.flatMap((type) =>
  Object.values(type.getFields())
    .filter((field) => getNamedType(field.type).name.endsWith('Connection'))
    .map((field) => {
      const names = field.args.map(({ name }) => name);
      const paging = PAGING.filter((name) => names.includes(name));
      return {
        name: `${type.name}.${field.name}`,
        type: type.name,
        field: field.name,
        paging,
        selecting: names.filter((name) => !PAGING.includes(name)),
        isRefetchable: type.name === 'Query' || isNode(type),
      };
    }),
);

export const typeOf = (argument) => (['first', 'last'].includes(argument) ? 'Int' : 'String');

/** What leads from the root to a field of the type. */
export function within(type, sample, field) {
  if (type === 'Query') return field;
  return (sample.within || `node(id: $id) { ... on ${type} { id … } }`).replace('…', field);
}
