const LONGEST = 16; // characters as people count them

const letters = new Intl.Segmenter();

export function TitleField({ value, onChange }: { value: string; onChange: (title: string) => void }) {
  const length = [...letters.segment(value.trim())].length;
  return (
    <label className="hg-field">
      <span>
        Title <small className={length > LONGEST ? 'hg-too-long' : ''}>{length} of {LONGEST}</small>
      </span>
      <input type="text" value={value} required aria-invalid={length > LONGEST} onChange={(event) => onChange(event.target.value)} />
    </label>
  );
}
