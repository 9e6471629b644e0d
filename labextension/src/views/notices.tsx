/** States of the server or the notebook, in words.  Imports states. */
import * as React from 'react';

import type { INotice } from '../states';
import { useView } from './context';

/** One state with its way out. */
export function Notice({ notice }: { notice: INotice }): JSX.Element {
  const { run } = useView();
  const { action } = notice;
  return (
    <div
      className={`jp-GreenNotice jp-mod-${notice.severity}`}
      role={notice.severity === 'error' ? 'alert' : 'status'}
      data-green-notice={notice.id}
    >
      <div className="jp-GreenNotice-title">{notice.title}</div>
      {notice.text && <div className="jp-GreenNotice-text">{notice.text}</div>}
      {notice.code && (
        <code className="jp-GreenNotice-code">{notice.code}</code>
      )}
      {action && (
        <button
          type="button"
          className="jp-GreenButton"
          onClick={() => run(action.command)}
        >
          {action.label}
        </button>
      )}
    </div>
  );
}
