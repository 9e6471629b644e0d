/** The panel's contents: actions, states, and the sections below each other. */
import * as React from 'react';

import { CommandIDs } from '../ids';
import { serverNotices } from '../states';
import { Budgets } from './budgets';
import { Cells } from './cells';
import { useSignal, useView } from './context';
import { Idle } from './idle';
import { Notice } from './notices';
import { Now } from './now';
import { Totals } from './totals';

/** Everything in the panel. */
export function PanelView(): JSX.Element {
  const { model, trans } = useView();
  useSignal(model.stateChanged);
  const notices = serverNotices(model, trans);
  const loading = !model.host && !notices.length;
  return (
    <>
      <Actions />
      {notices.map(notice => (
        <Notice key={notice.id} notice={notice} />
      ))}
      {loading && (
        <p className="jp-GreenText" role="status">
          {trans.__('Asking the server…')}
        </p>
      )}
      {model.host && (
        <>
          <Now />
          <Idle />
          <Totals />
          <Budgets />
          <Cells />
        </>
      )}
    </>
  );
}

function Actions(): JSX.Element {
  const { model, trans, run, settingsIcon } = useView();
  const { notebook, host } = model;
  const ready = notebook?.kernelState === 'ready';
  const on = notebook?.metering === 'every-cell';
  return (
    <div
      className="jp-GreenActions"
      role="toolbar"
      aria-label={trans.__('Energy actions')}
    >
      <button
        type="button"
        className="jp-GreenButton jp-mod-primary"
        disabled={!ready}
        aria-pressed={on}
        data-green="meter-all"
        title={trans.__(
          'Meter all cells that this notebook’s kernel runs from now on; click again to stop'
        )}
        onClick={() => run(CommandIDs.meterAll)}
      >
        {trans.__('Meter every cell')}
      </button>
      <button
        type="button"
        className="jp-GreenButton"
        disabled={!host}
        data-green="export"
        title={trans.__('Write the transparency appendix for a paper')}
        onClick={() => run(CommandIDs.exportReport)}
      >
        {trans.__('Export…')}
      </button>
      <button
        type="button"
        className="jp-GreenButton jp-mod-icon"
        data-green="settings"
        title={trans.__('Settings of this panel')}
        aria-label={trans.__('Settings of this panel')}
        onClick={() => run(CommandIDs.openSettings)}
      >
        {settingsIcon}
      </button>
    </div>
  );
}
