import { AlbumIcon, CommentIcon, LikeIcon, PhotoIcon, PinIcon, VideoIcon } from '../icons';
import { Comments } from './comments';
import type { Listed } from './find';
import { Heading } from './heading';
import { Picture } from './picture';
import type { Post } from './posts';

const KINDS: Record<string, [name: string, icon: typeof PhotoIcon]> = {
  PHOTO: ['Photo', PhotoIcon],
  VIDEO: ['Video', VideoIcon],
  ALBUM: ['Album', AlbumIcon],
};
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact' });
const SHORT = 90; // characters of a caption

interface PostGridProps {
  posts: Listed<Post>;
  /** Whose name is above the grid and need not be said of each post. */
  owner: string | null;
  isNested: boolean;
}

export function PostGrid({ posts, owner, isNested }: PostGridProps) {
  const isAlone = posts.entries.length === 1 && posts.total === null && !posts.hasMore;
  return (
    <div className="hg-list">
      {!isAlone && <Heading listed={posts} instead="Posts" isNested={isNested} />}
      <ul className="hg-grid">
        {posts.entries.map((post, index) => (
          <Cell key={post.id ?? index} post={post} owner={owner} isWide={isAlone || post.comments.length > 0} />
        ))}
      </ul>
    </div>
  );
}

/** Wide ones have a row for themselves, with their comments. */
function Cell({ post, owner, isWide }: { post: Post; owner: string | null; isWide: boolean }) {
  return (
    <li className={isWide ? 'hg-post hg-post-wide' : 'hg-post'}>
      {post.url ? (
        <a href={post.url} target="_blank" rel="noreferrer">
          <Face post={post} owner={owner} />
        </a>
      ) : (
        <div>
          <Face post={post} owner={owner} />
        </div>
      )}
      {post.comments.length > 0 && <Comments comments={post.comments} />}
    </li>
  );
}

function Face({ post, owner }: { post: Post; owner: string | null }) {
  const { kind, caption, picture, author, isPinned, takenAt } = post;
  const [name, Icon] = KINDS[kind ?? ''] ?? ['Post', PhotoIcon];
  return (
    <>
      <span className="hg-frame">
        <Picture url={picture} instead={<span className="hg-sign">{!kind && <Icon />}</span>} />
        {kind && <Badge name={name} icon={Icon} className="hg-kind" />}
        {isPinned && <Badge name="Pinned" icon={PinIcon} className="hg-pin" />}
      </span>
      <span className="hg-post-text">
        {author && author !== owner && <b dir="auto">{author}</b>}
        <Counts post={post} />
        {caption && (
          <span className="hg-caption" dir="auto" title={caption}>
            {shortened(caption)}
          </span>
        )}
        {takenAt && <small>{new Date(takenAt).toLocaleDateString()}</small>}
      </span>
    </>
  );
}

function Badge({ name, icon: Icon, className }: { name: string; icon: typeof PhotoIcon; className: string }) {
  return (
    <span className={`hg-badge ${className}`} title={name}>
      <Icon />
      <span className="hg-visually-hidden">{name} </span>
    </span>
  );
}

function Counts({ post: { likes, commentCount } }: { post: Post }) {
  if (likes === null && commentCount === null) return null;
  return (
    <span className="hg-counts">
      {likes !== null && <Count value={likes} unit="likes" icon={LikeIcon} />}
      {commentCount !== null && <Count value={commentCount} unit="comments" icon={CommentIcon} />}
    </span>
  );
}

function Count({ value, unit, icon: Icon }: { value: number; unit: string; icon: typeof LikeIcon }) {
  return (
    <span title={`${value.toLocaleString()} ${unit}`}>
      <Icon /> {COMPACT.format(value)}
      <span className="hg-visually-hidden"> {unit} </span>
    </span>
  );
}

/** The first line, as far as the last word that fits. */
function shortened(caption: string): string {
  const [line = ''] = caption.trim().split('\n');
  const shown = line.length > SHORT ? line.slice(0, SHORT).replace(/\s+\S*$/, '') : line;
  return shown === caption.trim() ? shown : `${shown} …`;
}
