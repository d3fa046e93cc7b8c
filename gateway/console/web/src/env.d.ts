declare module 'virtual:examples' {
  export interface Example {
    name: string;
    note: string;
    query: string;
    variables: string;
    group: string;
  }
  const examples: Example[];
  export default examples;
}
