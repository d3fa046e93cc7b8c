import type { Comment } from './posts';

/** Replies stand below theirs, further in. */
export function Comments({ comments, name = 'Comments' }: { comments: Comment[]; name?: string }) {
  return (
    <ul className="hg-comments" aria-label={name}>
      {comments.map((one, index) => (
        <li key={one.id ?? index}>
          <p>
            {one.author && <b dir="auto">{one.author}</b>} <span dir="auto">{one.text}</span>
          </p>
          <About comment={one} />
          {one.replies.length > 0 && <Comments comments={one.replies} name={`Replies to ${one.author ?? 'it'}`} />}
        </li>
      ))}
    </ul>
  );
}

function About({ comment: { createdAt, likes, replyCount } }: { comment: Comment }) {
  if (!createdAt && !likes && !replyCount) return null;
  const time = createdAt ? new Date(createdAt) : null;
  return (
    <small className="hg-quiet">
      {time && (
        <time dateTime={createdAt!} title={time.toLocaleString()}>
          {time.toLocaleDateString()}
        </time>
      )}
      {!!likes && <span>{counted(likes, 'like', 'likes')}</span>}
      {!!replyCount && <span>{counted(replyCount, 'reply', 'replies')}</span>}
    </small>
  );
}

const counted = (value: number, one: string, several: string) => `${value.toLocaleString()} ${value === 1 ? one : several}`;
