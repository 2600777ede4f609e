import { Input } from 'antd';
import { type ChangeEvent, useEffect, useRef, useState } from 'react';

const PAUSE_MS = 300;

type Props = { label: string; value: string; onChange: (text: string) => void };

/** Asks once the typing pauses, not at every letter. */
export function SearchBox({ label, value, onChange }: Props) {
  const [text, setText] = useState(value);
  const [seen, setSeen] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  if (value !== seen) {
    setSeen(value);
    setText(value);
  }
  const type = (event: ChangeEvent<HTMLInputElement>) => {
    const typed = event.target.value;
    setText(typed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(typed), PAUSE_MS);
  };
  return (
    <Input
      type="search"
      className="filter-search"
      aria-label={label}
      placeholder={label}
      value={text}
      maxLength={60}
      allowClear
      onChange={type}
    />
  );
}
