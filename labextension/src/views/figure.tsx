/** A figure with its uncertainty, which gives way where there is no room. */
import * as React from 'react';

import { partsOf } from '../format';

/** Prints `123.5 ± 2.3 J`, the interval fainter than the rest. */
export function Figure({ text }: { text: string }): JSX.Element {
  const [value, interval, symbol] = partsOf(text);
  return (
    <>
      {value}
      {interval && <span className="jp-GreenInterval">{interval}</span>}
      {symbol && `\u00a0${symbol}`}
    </>
  );
}
