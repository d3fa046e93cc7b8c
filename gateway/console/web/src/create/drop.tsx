import { useState, type ClipboardEvent, type DragEvent } from 'react';
import { fromFiles, fromText, type Medium } from './media';

const TYPES = 'image/jpeg,image/png,image/webp,image/heic,video/mp4,video/quicktime';

/** Takes files by drop, paste or dialog, and https URLs by drop, paste or typing. */
export function DropZone({ onAdd }: { onAdd: (media: Medium[]) => void }) {
  const [over, setOver] = useState(false);
  const [typed, setTyped] = useState('');
  const take = (data: DataTransfer) => onAdd(data.files.length ? fromFiles(data.files) : fromText(data.getData('text')));
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer);
  };
  const paste = (event: ClipboardEvent) => {
    const found = event.clipboardData.files.length || fromText(event.clipboardData.getData('text')).length;
    if (found) {
      event.preventDefault();
      take(event.clipboardData);
    }
  };
  const add = () => {
    onAdd(fromText(typed));
    setTyped('');
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
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => event.key === 'Enter' && (event.preventDefault(), add())} />
        <button type="button" onClick={add} disabled={fromText(typed).length === 0}>
          Add
        </button>
      </div>
    </div>
  );
}
