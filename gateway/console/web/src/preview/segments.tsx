import type { Slide } from './slides';

interface SegmentsProps {
  slides: Slide[];
  index: number;
  paused: boolean;
  /** Nothing moves by itself. */
  still: boolean;
  onEnd: () => void;
}

/** One for each slide. A photo's runs for five seconds and then ends the slide; a video ends its own. */
export function Segments({ slides, index, paused, still, onEnd }: SegmentsProps) {
  return (
    <div className="hg-segments" role="img" aria-label={`Item ${index + 1} of ${slides.length}`}>
      {slides.map(({ id, item }, place) => {
        const runs = place === index && !still && !item?.video;
        const state = place < index || (place === index && (still || item?.video)) ? 'hg-full' : '';
        return (
          <span key={id} className={item ? 'hg-segment' : 'hg-segment hg-segment-missing'}>
            <i
              className={runs ? 'hg-runs' : state}
              style={{ animationPlayState: paused ? 'paused' : 'running' }}
              onAnimationEnd={onEnd}
              id={place === index ? 'hg-now' : undefined}
            />
          </span>
        );
      })}
    </div>
  );
}
