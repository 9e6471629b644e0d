/** The active notebook's metered cells: running ones, then a list to sort. */
import * as React from 'react';

import { formatCo2e, formatDuration, formatEnergy } from '../format';
import {
  countText,
  groupRecords,
  isFailed,
  runningTitle,
  sortGroups,
  type ICellGroup,
  type SortKey
} from '../groups';
import { CommandIDs } from '../ids';
import { co2eText, deviceText, energyText, methodsOf } from '../record';
import { notebookNotice } from '../states';
import { PURPOSES, type IRecord, type IRunning } from '../tokens';
import { methodWord, purposeWord, statusWord } from '../words';
import { useSignal, useView } from './context';
import { Figure } from './figure';
import { Notice } from './notices';
import { Section } from './section';

const NO_CELLS = new Map();

/** The section on cells. */
export function Cells(): JSX.Element {
  const { model, trans } = useView();
  useSignal(model.stateChanged);
  const [by, setBy] = React.useState<SortKey>('newest');
  const { records, notebook } = model;
  const cells = notebook?.cells ?? NO_CELLS;
  const groups = React.useMemo(
    () => sortGroups(groupRecords(records, cells), by, cells),
    [records, cells, by]
  );
  const notice = notebookNotice(model, trans);
  return (
    <Section
      name="cells"
      title={trans.__('Cells')}
      aside={groups.length > 1 && <SortMenu by={by} onChange={setBy} />}
    >
      {notice && <Notice notice={notice} />}
      <Running />
      <ul className="jp-GreenCells" aria-label={trans.__('Metered cells')}>
        {groups.map(group => (
          <CellRow key={group.key} group={group} />
        ))}
      </ul>
      {model.moreRecords && (
        <button
          type="button"
          className="jp-GreenButton"
          onClick={() => void model.loadMore()}
        >
          {trans.__('Show older runs')}
        </button>
      )}
    </Section>
  );
}

function SortMenu(props: {
  by: SortKey;
  onChange: (by: SortKey) => void;
}): JSX.Element {
  const { trans } = useView();
  const words: { [key in SortKey]: string } = {
    newest: trans.__('newest first'),
    position: trans.__('as in the notebook'),
    energy: trans.__('most energy'),
    co2e: trans.__('most CO₂e'),
    duration: trans.__('longest')
  };
  return (
    <select
      className="jp-GreenSelect"
      aria-label={trans.__('Sort cells')}
      value={props.by}
      onChange={event => props.onChange(event.target.value as SortKey)}
    >
      {Object.entries(words).map(([key, word]) => (
        <option key={key} value={key}>
          {word}
        </option>
      ))}
    </select>
  );
}

/** Cells that run now, with their cost so far. */
function Running(): JSX.Element | null {
  const { model, trans } = useView();
  useSignal(model.powerChanged);
  if (!model.running.length) {
    return null;
  }
  const cells = model.notebook?.cells ?? NO_CELLS;
  return (
    <ul className="jp-GreenCells" aria-label={trans.__('Running cells')}>
      {model.running.map(window => (
        <RunningRow
          key={window.id}
          window={window}
          title={runningTitle(window, cells)}
          isHere={cells.has(window.cell_id ?? '')}
        />
      ))}
    </ul>
  );
}

function RunningRow(props: {
  window: IRunning;
  title: string;
  isHere: boolean;
}): JSX.Element {
  const { trans } = useView();
  const { window, isHere } = props;
  const where = isHere ? '' : (window.path ?? window.notebook ?? '');
  const facts = [
    countText(window.execution_count),
    formatDuration(window.duration_s),
    window.co2e_g === null
      ? ''
      : trans.__('%1 CO₂e', formatCo2e(window.co2e_g)),
    where
  ];
  return (
    <li
      className="jp-GreenCell jp-mod-running"
      data-green-running={window.cell_id}
    >
      <div className="jp-GreenCell-line">
        <Title cellId={isHere ? window.cell_id : ''} text={props.title} />
        <span className="jp-GreenCell-energy">
          {window.energy_j === null ? '…' : formatEnergy(window.energy_j)}
        </span>
      </div>
      <div className="jp-GreenCell-line">
        <span className="jp-GreenCell-facts">
          {facts.filter(Boolean).join(' · ')}
        </span>
        <span className="jp-GreenPill jp-mod-running">
          {trans.__('running')}
        </span>
      </div>
    </li>
  );
}

const CellRow = React.memo(function CellRow(props: {
  group: ICellGroup;
}): JSX.Element {
  const { trans } = useView();
  const [open, setOpen] = React.useState(false);
  const { group } = props;
  const { latest, runs } = group;
  const title = group.title || trans.__('cell without a name');
  const id = `jp-Green-runs-${latest.id}`;
  return (
    <li
      className={`jp-GreenCell${group.isDeleted ? ' jp-mod-deleted' : ''}`}
      data-green-cell={group.cellId}
    >
      <div className="jp-GreenCell-line">
        <Title cellId={group.isDeleted ? '' : group.cellId} text={title} />
        <Energy record={latest} />
      </div>
      <div className="jp-GreenCell-tags">
        <span className="jp-GreenCell-facts">{factsText(latest, trans)}</span>
        <PurposeMenu record={latest} title={title} />
        <Tags group={group} />
        {runs.length > 1 && (
          <button
            type="button"
            className="jp-GreenLink"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
          >
            {trans.__(
              '%1 runs, %2 in all',
              runs.length,
              formatEnergy(group.energyJ)
            )}
          </button>
        )}
      </div>
      {open && (
        <ul id={id} className="jp-GreenRuns">
          {runs.map(run => (
            <li key={run.id} className="jp-GreenCell-line">
              <span className="jp-GreenCell-facts">
                {[timeText(run), factsText(run, trans), endText(run, trans)]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
              <Energy record={run} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
});

function Energy({ record }: { record: IRecord }): JSX.Element {
  const tip = record.devices.map(deviceText).join('\n');
  return (
    <span className="jp-GreenCell-energy" title={tip} data-green="energy">
      <Figure text={energyText(record)} />
    </span>
  );
}

/** The cell's name; a button where the cell can be shown. */
function Title(props: { cellId?: string; text: string }): JSX.Element {
  const { run, trans } = useView();
  const { cellId, text } = props;
  return cellId ? (
    <button
      type="button"
      className="jp-GreenCell-title"
      title={trans.__('Go to the cell: %1', text)}
      onClick={() => run(CommandIDs.revealCell, { cellId })}
    >
      {text}
    </button>
  ) : (
    <span className="jp-GreenCell-title" title={text}>
      {text}
    </span>
  );
}

/** What to know about the newest run, and that its cell is gone. */
function Tags({ group }: { group: ICellGroup }): JSX.Element {
  const { trans } = useView();
  const { latest } = group;
  const others = group.failed - (isFailed(latest) ? 1 : 0);
  return (
    <>
      {isFailed(latest) && (
        <span className="jp-GreenPill jp-mod-error" title={latest.error}>
          {endText(latest, trans)}
        </span>
      )}
      {others > 0 && (
        <span className="jp-GreenPill">
          {trans._n('%1 failed run', '%1 failed runs', others)}
        </span>
      )}
      {group.isDeleted && (
        <span
          className="jp-GreenPill"
          title={trans.__('The cell is gone; what it cost still counts.')}
        >
          {trans.__('deleted')}
        </span>
      )}
      {!latest.final && (
        <span
          className="jp-GreenPill"
          title={trans.__('A slow counter may still refine these figures.')}
        >
          {trans.__('provisional')}
        </span>
      )}
    </>
  );
}

/** Changes the purpose at once; the old one comes back if the server refuses. */
function PurposeMenu(props: { record: IRecord; title: string }): JSX.Element {
  const { run, trans } = useView();
  const { record } = props;
  return (
    <select
      className="jp-GreenSelect"
      aria-label={trans.__('Purpose of %1', props.title)}
      value={record.purpose ?? ''}
      data-untagged={!record.purpose || undefined}
      onChange={event =>
        run(CommandIDs.tagRecord, {
          record: record.id,
          purpose: event.target.value
        })
      }
    >
      {!record.purpose && <option value="">{trans.__('purpose?')}</option>}
      {PURPOSES.map(purpose => (
        <option key={purpose} value={purpose}>
          {purposeWord(purpose, trans)}
        </option>
      ))}
    </select>
  );
}

type Words = ReturnType<typeof useView>['trans'];

function factsText(record: IRecord, trans: Words): string {
  const grams = co2eText(record);
  return [
    countText(record.execution_count),
    formatDuration(record.duration_s),
    grams && trans.__('%1 CO₂e', grams),
    // What is measured goes without saying.
    ...methodsOf(record)
      .filter(method => method !== 'counter' && method !== 'integrated')
      .map(method => methodWord(method, trans))
  ]
    .filter(Boolean)
    .join(' · ');
}

function endText(record: IRecord, trans: Words): string {
  if (!isFailed(record)) {
    return '';
  }
  const word = statusWord(record.status, trans);
  return record.error ? `${word}: ${record.error}` : word;
}

function timeText(record: IRecord): string {
  const start = Date.parse(record.started_at ?? '');
  return Number.isNaN(start) ? '' : new Date(start).toLocaleString();
}
