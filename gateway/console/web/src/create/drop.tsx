import { useState, type ClipboardEvent, type DragEvent } from 'react';
import { fromFiles, fromText, type Medium } from './media';

const TYPES = 'image/jpeg,image/png,image/webp,image/heic,video/mp4,video/quicktime';

/** Takes files by drop, paste or dialog, and https URLs by drop, paste or typing. */
export function DropZone({ onAdd }: { onAdd: (media: Medium[]) => void }) {
  const [over, setOver] = useState(false);
  const [typed, setTyped] = useState('');
  const [refused, setRefused] = useState(false);
  const take = (media: Medium[]) => {
    setRefused(media.length === 0);
    if (media.length > 0) onAdd(media);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(mediaOf(event.dataTransfer));
  };
  const paste = (event: ClipboardEvent) => {
    const found = mediaOf(event.clipboardData);
    if (found.length > 0) {
      event.preventDefault();
      take(found);
    }
  };
  const add = () => {
    const found = fromText(typed);
    take(found);
    // What is not taken stays, to be mended.
    if (found.length > 0) setTyped('');
  };
  return (
    <div className={over ? 'hg-drop hg-over' : 'hg-drop'} data-testid="drop" onPaste={paste} onDrop={drop}
      onDragOver={(event) => (event.preventDefault(), setOver(true))} onDragLeave={() => setOver(false)}>
      <label className="hg-browse">
        <b>Drop photos and videos here</b>
        <span>or choose files</span>
        <input type="file" multiple accept={TYPES}
          onChange={({ target }) => (onAdd(fromFiles(target.files ?? [])), (target.value = ''))} />
      </label>
      <div className="hg-url">
        <input type="url" value={typed} placeholder="https://… of a JPEG, MP4 or MOV" aria-label="URL of a medium"
          aria-invalid={refused} aria-describedby={refused ? 'hg-url-mistake' : undefined}
          onChange={(event) => (setTyped(event.target.value), setRefused(false))}
          onKeyDown={(event) => event.key === 'Enter' && (event.preventDefault(), add())} />
        <button type="button" onClick={add} disabled={typed.trim() === ''}>
          Add
        </button>
      </div>
      {refused && (
        <small className="hg-mistake" id="hg-url-mistake" role="alert">
          That is neither a file nor a URL with https.
        </small>
      )}
    </div>
  );
}

const mediaOf = (data: DataTransfer): Medium[] =>
  data.files.length ? fromFiles(data.files) : fromText(data.getData('text'));
