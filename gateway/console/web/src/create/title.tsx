const LONGEST = 16; // characters as people count them

const letters = new Intl.Segmenter();

interface TitleProps {
  value: string;
  /** What the gateway found wrong with it. */
  mistake: string | undefined;
  onChange: (title: string) => void;
}

export function TitleField({ value, mistake, onChange }: TitleProps) {
  const length = [...letters.segment(value.trim())].length;
  const wrong = length > LONGEST || mistake !== undefined;
  return (
    <div className="hg-field">
      <label htmlFor="hg-title">
        Title <small className={length > LONGEST ? 'hg-too-long' : ''}>{length} of {LONGEST}</small>
      </label>
      <input id="hg-title" type="text" dir="auto" value={value} required aria-invalid={wrong} onChange={(event) => onChange(event.target.value)}
        aria-describedby={mistake && 'hg-title-mistake'} />
      {mistake && (
        <small className="hg-mistake" id="hg-title-mistake">
          {mistake}
        </small>
      )}
    </div>
  );
}
