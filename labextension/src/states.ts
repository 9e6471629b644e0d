/**
 * What to tell about the state of things, as plain values; views only print them.
 *
 * Pure; imports tokens and commands' ids.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import { CommandIDs } from './ids';
import type { IGreenModel, INotebook, IPowerSample } from './tokens';

/** One state worth a few words, and what can be done about it. */
export interface INotice {
  id: string;
  severity: 'info' | 'warning' | 'error';
  title: string;
  text: string;
  /** A line to copy: a command of a shell or a notebook. */
  code?: string;
  action?: { label: string; command: string };
}

/** What the states are read from. */
export type StateSource = Pick<
  IGreenModel,
  'connection' | 'host' | 'problem' | 'notebook' | 'records' | 'running'
>;

/** The newest power, as long as somebody says what it is. */
export function newestSample(
  model: Pick<IGreenModel, 'connection' | 'samples'>
): IPowerSample | undefined {
  const isFollowed = ['live', 'polling', 'connecting'].includes(
    model.connection
  );
  return isFollowed ? model.samples[model.samples.length - 1] : undefined;
}

/** States of the server, shown above all else. */
export function serverNotices(
  model: StateSource,
  trans: TranslationBundle
): INotice[] {
  const again = {
    label: trans.__('Try again'),
    command: CommandIDs.refresh
  };
  const { problem } = model;
  const said = problem?.reason || problem?.remedy ? problem : null;
  switch (model.connection) {
    case 'missing':
      return [
        {
          id: 'server-missing',
          severity: 'error',
          title: trans.__('The server extension is missing'),
          text: trans.__(
            'This Jupyter server does not run jupyter_green, so it can read neither power nor records. Install the package where the server runs, enable it, and start the server again.'
          ),
          code: 'jupyter server extension enable jupyter_green',
          action: again
        }
      ];
    case 'forbidden':
      return [
        {
          id: 'forbidden',
          severity: 'error',
          title: trans.__('Not allowed'),
          text: trans.__(
            'This server does not let you read power and records. Sign in again, or ask who runs it.'
          ),
          action: again
        }
      ];
    case 'offline':
      return [
        {
          id: 'offline',
          severity: 'warning',
          // A server that says what is wrong has answered.
          title: said?.message ?? trans.__('The server does not answer'),
          text: [
            said?.reason && `${said.reason}.`,
            said?.remedy && `${said.remedy}.`,
            model.host
              ? trans.__('What is shown is the last that it said.')
              : '',
            trans.__('Nothing is lost: kernels write their records themselves.')
          ]
            .filter(Boolean)
            .join(' '),
          action: again
        }
      ];
    default:
      return [...ledgerNotices(model, trans), ...problemNotices(model)];
  }
}

/** The state of the active notebook, shown where its cells are. */
export function notebookNotice(
  model: StateSource,
  trans: TranslationBundle
): INotice | null {
  const notebook = model.notebook;
  if (!notebook) {
    return {
      id: 'no-notebook',
      severity: 'info',
      title: trans.__('No notebook'),
      text: trans.__('Open a notebook to see what its cells cost.')
    };
  }
  return (
    kernelNotice(notebook, trans) ??
    remoteNotice(model, trans) ??
    loadNotice(model, notebook, trans)
  );
}

/** Whether the active notebook's kernel meters on another host than the server's. */
export function isRemote(model: StateSource): boolean {
  const here = model.host?.host.id;
  const now = model.running.find(window => isOf(model.notebook, window));
  const there = now?.host_id ?? model.records[0]?.host?.id;
  return Boolean(here && there && here !== there);
}

function isOf(
  notebook: INotebook | null,
  window: { path?: string | null; cell_id?: string }
): boolean {
  return window.path
    ? window.path === notebook?.path
    : Boolean(window.cell_id && notebook?.cells.has(window.cell_id));
}

function ledgerNotices(
  model: StateSource,
  trans: TranslationBundle
): INotice[] {
  const ledger = model.host?.ledger;
  if (!ledger || ledger.readable) {
    return [];
  }
  return [
    {
      id: 'ledger-unreadable',
      severity: 'error',
      title: trans.__('The ledger cannot be read'),
      text: [ledger.folder, ledger.problem].filter(Boolean).join(': ')
    }
  ];
}

function problemNotices(model: StateSource): INotice[] {
  const problem = model.problem;
  return problem
    ? [
        {
          id: 'problem',
          severity: 'warning',
          title: problem.message,
          text: [problem.reason, problem.remedy].filter(Boolean).join('. ')
        }
      ]
    : [];
}

function kernelNotice(
  notebook: INotebook,
  trans: TranslationBundle
): INotice | null {
  switch (notebook.kernelState) {
    case 'none':
      return {
        id: 'no-kernel',
        severity: 'info',
        title: trans.__('No kernel'),
        text: trans.__(
          'Nothing runs in this notebook. What was metered before stays in the ledger.'
        )
      };
    case 'dead':
      return {
        id: 'kernel-dead',
        severity: 'warning',
        title: trans.__('The kernel has died'),
        text: trans.__(
          'What it metered until then is in the ledger. Restart it to go on.'
        )
      };
    case 'foreign':
      return {
        id: 'kernel-foreign',
        severity: 'info',
        title: trans.__('The kernel speaks %1', notebook.language),
        text: trans.__(
          'Cells are metered in Python kernels. The power above is that of the whole host, whatever runs on it.'
        )
      };
    default:
      return null;
  }
}

function remoteNotice(
  model: StateSource,
  trans: TranslationBundle
): INotice | null {
  return isRemote(model)
    ? {
        id: 'kernel-remote',
        severity: 'warning',
        title: trans.__('The kernel runs on another host'),
        text: trans.__(
          'The power above is that of the Jupyter server’s host. The cells below were metered where the kernel runs.'
        )
      }
    : null;
}

function loadNotice(
  model: StateSource,
  notebook: INotebook,
  trans: TranslationBundle
): INotice | null {
  if (notebook.metering !== 'unknown' || notebook.kernelState !== 'ready') {
    return null;
  }
  return {
    id: 'not-loaded',
    severity: 'info',
    title: model.records.length
      ? trans.__('Nothing metered since this page was opened')
      : trans.__('No cell is metered yet'),
    text: trans.__(
      'The kernel has not loaded the extension, as far as can be seen from here. The button loads it for all cells; or run this line, and write %1 above the cells to meter:',
      // As an argument: in the text itself it would lose a percent sign.
      '%%energy'
    ),
    code: '%load_ext jupyter_green',
    action: {
      label: trans.__('Meter every cell'),
      command: CommandIDs.meterAll
    }
  };
}
