// The graph of the benchmark and the mapping of the read API's names, shared by the peers that are written by hand.
export const typeDefs = /* GraphQL */ `
  type Query { user(by: UserBy!): User }
  input UserBy { id: ID }
  type User { id: ID! highlights: Highlights }
  type Highlights { nodes: [Highlight!]! }
  type Highlight { id: ID! title: String! mediaCount: Int createdAt: String isPinned: Boolean cover: Cover items: Items }
  type Cover { url: String }
  type Items { nodes: [Item!]! }
  type Item {
    id: ID! pk: ID! code: String takenAt: String productType: String thumbnailUrl: String videoUrl: String
    videoDuration: Float
  }
`;

// `tray(context, userId)` and `highlight(context, pk)` promise what the API answers.
export const resolversOver = ({ tray, highlight }) => ({
  Query: { user: (_, { by }) => ({ id: by.id }) },
  User: { highlights: async ({ id }, _, context) => ({ nodes: await tray(context, id) }) },
  Highlight: {
    mediaCount: (source) => source.media_count,
    createdAt: (source) => source.created_at,
    isPinned: (source) => source.is_pinned_highlight,
    cover: (source) => source.cover_media,
    items: async ({ pk }, _, context) => ({ nodes: (await highlight(context, pk)).items }),
  },
  Cover: { url: (source) => source.cropped_image_version?.url },
  Item: {
    takenAt: (source) => source.taken_at,
    productType: (source) => source.product_type,
    thumbnailUrl: (source) => source.thumbnail_url,
    videoUrl: (source) => source.video_url,
    videoDuration: (source) => source.video_duration,
  },
});

export const upstream = process.env.BENCH_UPSTREAM;
export const port = Number(process.env.BENCH_PORT);
export const lifetime = 600; // seconds, of everything that is kept
export const headers = { 'x-access-key': 'bench' };
export const trayPath = (id) => `/v1/user/highlights?user_id=${id}`;
export const highlightPath = (pk) =>
  `/v1/highlight/by/url?url=${encodeURIComponent(`https://www.instagram.com/stories/highlights/${pk}/`)}`;
