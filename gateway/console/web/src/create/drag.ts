import { useRef, useState, type PointerEvent } from 'react';

const CONTROLS = 'button, input, label';
const HANDLE = '[data-handle]';

/**
 * Entries of a list, dragged to another place: by mouse from anywhere on them, by finger from their handle, since a
 * finger elsewhere scrolls. Gives the place of the one that is dragged, and what the list listens with.
 */
export function useDrag(onMove: (from: number, to: number) => void) {
  const [dragged, setDragged] = useState<number | null>(null);
  const list = useRef<HTMLOListElement>(null);
  const frames = () => [...(list.current?.children ?? [])].map((entry) => entry.getBoundingClientRect());
  const onPointerDown = (event: PointerEvent<HTMLOListElement>) => {
    const target = event.target as Element;
    const isHeld = event.pointerType === 'mouse' ? event.button === 0 && !target.closest(CONTROLS) : target.closest(HANDLE);
    if (!isHeld) return;
    // The list, not the entry: that is taken out and put in elsewhere on the way.
    event.currentTarget.setPointerCapture(event.pointerId);
    setDragged(placeAt(event.clientY, frames()));
  };
  const onPointerMove = ({ clientY }: PointerEvent) => {
    if (dragged === null) return;
    const place = passed(clientY, dragged, frames());
    if (place === dragged) return;
    onMove(dragged, place);
    setDragged(place);
  };
  const drop = () => setDragged(null);
  return { dragged, listening: { ref: list, onPointerDown, onPointerMove, onPointerUp: drop, onPointerCancel: drop } };
}

function placeAt(y: number, frames: DOMRect[]): number {
  const place = frames.findIndex(({ bottom }) => y < bottom);
  return place === -1 ? frames.length - 1 : place;
}

/** Only so far that the entry is under the pointer afterwards: with a taller one it would change places for ever. */
function passed(y: number, from: number, frames: DOMRect[]): number {
  const to = placeAt(y, frames);
  const [{ height }, { top, bottom }] = [frames[from]!, frames[to]!];
  const isPassed = to > from ? y >= bottom - height : y < top + height;
  return isPassed ? to : from;
}
