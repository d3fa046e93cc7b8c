declare module 'virtual:examples' {
  const examples: { name: string; note: string; query: string; variables: string }[];
  export default examples;
}
