/**
 * What the user can do, as commands: the panel's buttons and the palette run the same.
 *
 * Imports dialogs, model's problems and tokens.
 */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import {
  Clipboard,
  Dialog,
  Notification,
  showDialog,
  type ICommandPalette
} from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { TranslationBundle } from '@jupyterlab/translation';

import { DoctorBody, ExportForm, FORMATS, LocationForm } from './dialogs';
import { greenIcon } from './icons';
import { CommandIDs, PANEL_ID } from './ids';
import { asProblem } from './model';
import { GreenError } from './request';
import type { IGreenApi, IGreenModel, INotebook, IOutcome } from './tokens';
import { budgetWarning } from './words';

const LOAD = '%load_ext jupyter_green\n%green on';
const STOP = '%green off';
/** Of an export's files those that are documents, the most readable first. */
const OPENED = ['.pdf', '.html', '.md', '.tex', '.json', '.csv'];
const MOST_OPENED = 4;
const WARNING_MS = 10_000;
/** What belongs to a document and is none itself. */
const PARTS = /(^|\/)(fig|energy-(macros|manifest|standalone|\w+-item))[^/]*$/;

/** What the commands need. */
export interface ICommandOptions {
  app: JupyterFrontEnd;
  model: IGreenModel;
  api: IGreenApi;
  trans: TranslationBundle;
  palette: ICommandPalette | null;
  documents: IDocumentManager | null;
}

/** Register all commands, and those with a meaning of their own in the palette. */
export function addCommands(options: ICommandOptions): void {
  addShown(options);
  addInternal(options);
  const category = options.trans.__('Energy');
  for (const command of [
    CommandIDs.openPanel,
    CommandIDs.meterAll,
    CommandIDs.exportReport,
    CommandIDs.setLocation,
    CommandIDs.runDoctor,
    CommandIDs.openSettings
  ]) {
    options.palette?.addItem({ command, category });
  }
}

/** Tell of budgets that other work uses up; of its own the kernel tells. */
export function warnOfBudgets({ app, model, trans }: ICommandOptions): void {
  model.budgetReached.connect((_, budget) => {
    const path = model.notebook?.path ?? '';
    Notification.warning(budgetWarning(budget, path, trans), {
      autoClose: WARNING_MS,
      actions: [
        {
          label: trans.__('Show'),
          callback: () => void app.commands.execute(CommandIDs.openPanel)
        }
      ]
    });
  });
}

/** Run a command and show what went wrong, if anything. */
export async function runCommand(
  options: ICommandOptions,
  command: string,
  args: { [name: string]: string } = {}
): Promise<void> {
  try {
    await options.app.commands.execute(command, args);
  } catch (error) {
    await showProblem(error, options.trans);
  }
}

const NOTHING = { type: 'object', properties: {} } as const;

function addShown(options: ICommandOptions): void {
  const { app, model, trans } = options;
  const { commands } = app;
  commands.addCommand(CommandIDs.openPanel, {
    label: trans.__('Show Energy Panel'),
    icon: greenIcon,
    describedBy: { args: NOTHING },
    execute: () => app.shell.activateById(PANEL_ID)
  });
  commands.addCommand(CommandIDs.meterAll, {
    label: trans.__('Meter Every Cell of the Notebook'),
    isEnabled: () => model.notebook?.kernelState === 'ready',
    isToggled: () => model.notebook?.metering === 'every-cell',
    describedBy: { args: NOTHING },
    execute: () => toggleMetering(model.notebook, trans)
  });
  commands.addCommand(CommandIDs.exportReport, {
    label: trans.__('Export Energy Appendix…'),
    describedBy: { args: NOTHING },
    execute: () => exportReport(options)
  });
  commands.addCommand(CommandIDs.setLocation, {
    label: trans.__('Set Location for CO₂e…'),
    describedBy: { args: NOTHING },
    execute: () => askLocation(options)
  });
  commands.addCommand(CommandIDs.runDoctor, {
    label: trans.__('What Can Be Measured Here?'),
    describedBy: { args: NOTHING },
    execute: () => showDoctor(options)
  });
  commands.addCommand(CommandIDs.openSettings, {
    label: trans.__('Energy Panel Settings'),
    isEnabled: () => commands.hasCommand('settingeditor:open'),
    describedBy: { args: NOTHING },
    // The editor searches by the title that the schema has in the user's language.
    execute: () =>
      commands.execute('settingeditor:open', {
        query: trans._p('schema', 'Energy')
      })
  });
}

function addInternal(options: ICommandOptions): void {
  const { model, trans } = options;
  const { commands } = options.app;
  const text = { type: 'string' } as const;
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Ask the Server Again'),
    describedBy: { args: NOTHING },
    execute: () => model.refresh()
  });
  commands.addCommand(CommandIDs.revealCell, {
    label: trans.__('Go to the Metered Cell'),
    describedBy: {
      args: { type: 'object', properties: { cellId: text } }
    },
    execute: args => model.notebook?.reveal(String(args['cellId']))
  });
  commands.addCommand(CommandIDs.tagRecord, {
    label: trans.__('Set the Purpose of a Run'),
    describedBy: {
      args: { type: 'object', properties: { record: text, purpose: text } }
    },
    execute: args => model.tag(String(args['record']), String(args['purpose']))
  });
  commands.addCommand(CommandIDs.shutDownKernel, {
    label: trans.__('Shut Down an Idle Kernel…'),
    describedBy: {
      args: { type: 'object', properties: { kernelId: text, name: text } }
    },
    execute: args =>
      shutDown(options, String(args['kernelId']), String(args['name']))
  });
}

async function toggleMetering(
  notebook: INotebook | null,
  trans: TranslationBundle
): Promise<void> {
  if (!notebook) {
    return;
  }
  const stop = notebook.metering === 'every-cell';
  const outcome = await notebook.execute(stop ? STOP : LOAD);
  if (outcome.status === 'ok') {
    notebook.metering = stop ? 'loaded' : 'every-cell';
    return;
  }
  throw meteringProblem(outcome, trans);
}

function meteringProblem(
  outcome: IOutcome,
  trans: TranslationBundle
): GreenError {
  if (outcome.name === 'ModuleNotFoundError') {
    return new GreenError({
      message: trans.__('The kernel has no jupyter_green'),
      reason: trans.__('Its environment is not the server’s.'),
      remedy: trans.__(
        'Run `%pip install jupyter-green` in a cell and restart the kernel.'
      )
    });
  }
  return new GreenError({
    message: trans.__('The kernel did not start metering'),
    reason: [outcome.name, outcome.message].filter(Boolean).join(': '),
    remedy: trans.__('Run `%load_ext jupyter_green` in a cell to see more.')
  });
}

async function exportReport(options: ICommandOptions): Promise<void> {
  const { model, trans } = options;
  const formats = model.host?.report_formats ?? FORMATS;
  const path = model.notebook?.path ?? '';
  const { button, value } = await showDialog({
    title: trans.__('Export the energy appendix'),
    body: new ExportForm(formats, path !== '', trans),
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Export') })
    ]
  });
  if (!button.accept || !value) {
    return;
  }
  if (!value.formats.length) {
    throw new GreenError({
      message: trans.__('Nothing to export'),
      reason: trans.__('No format was chosen.')
    });
  }
  const id = Notification.emit(
    trans.__('Writing the appendix…'),
    'in-progress',
    {
      autoClose: false
    }
  );
  try {
    const job = await model.report({ ...value, path }, (fraction, text) => {
      Notification.update({
        id,
        message: trans.__('Writing the appendix… %1', text),
        ...(fraction !== null && { progress: fraction })
      });
    });
    const files = job.files ?? [];
    const written = trans._n(
      '%1 file written.',
      '%1 files written.',
      files.length
    );
    const warnings = job.warnings ?? [];
    Notification.update({
      id,
      type: warnings.length ? 'warning' : 'success',
      message: [written, ...warnings].join(' '),
      autoClose: warnings.length ? false : 4000
    });
    await openFiles(options, files);
  } catch (error) {
    Notification.dismiss(id);
    throw error;
  }
}

async function openFiles(
  { documents }: ICommandOptions,
  files: readonly string[]
): Promise<void> {
  const rank = (file: string) => OPENED.findIndex(end => file.endsWith(end));
  const shown = files
    .filter(file => rank(file) >= 0 && !PARTS.test(file))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MOST_OPENED);
  // The most readable one last, so that it is in front.
  for (const file of shown.reverse()) {
    const factory = file.endsWith('.md') ? 'Markdown Preview' : 'default';
    const widget = documents?.openOrReveal(file, factory);
    await widget?.context.ready.catch(() => undefined);
  }
}

async function askLocation(options: ICommandOptions): Promise<void> {
  const { api, model, trans } = options;
  const places = await api.locations();
  const { button, value } = await showDialog({
    title: trans.__('Location for CO₂e'),
    body: new LocationForm(model.host?.location ?? null, places, trans),
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: trans.__('Set') })
    ]
  });
  if (button.accept && value) {
    await model.setLocation(value);
  }
}

async function showDoctor(
  options: ICommandOptions,
  anew = false
): Promise<void> {
  const { api, model, trans } = options;
  const doctor = await api.doctor(anew);
  if (anew) {
    await model.refresh();
  }
  const again = Dialog.createButton({
    accept: false, // so that the way out is the one that stands out
    label: trans.__('Look again'),
    caption: trans.__('Look for devices anew, after a remedy'),
    actions: ['again']
  });
  const copy = Dialog.createButton({
    accept: false,
    label: trans.__('Copy as text'),
    actions: ['copy']
  });
  const { button } = await showDialog({
    title: trans.__('What can be measured here'),
    body: new DoctorBody(doctor.findings, trans),
    buttons: [again, copy, Dialog.okButton({ label: trans.__('Close') })],
    defaultButton: 2
  });
  if (button.actions.includes('copy')) {
    Clipboard.copyToSystem(doctor.text);
  } else if (button.actions.includes('again')) {
    await showDoctor(options, true);
  }
}

async function shutDown(
  options: ICommandOptions,
  kernelId: string,
  name: string
): Promise<void> {
  const { app, model, trans } = options;
  const { button } = await showDialog({
    title: trans.__('Shut down the kernel?'),
    body: trans.__(
      'All variables of %1 are lost. Its records stay in the ledger.',
      name
    ),
    buttons: [
      Dialog.cancelButton(),
      Dialog.warnButton({ label: trans.__('Shut down') })
    ]
  });
  if (button.accept) {
    await app.serviceManager.kernels.shutdown(kernelId);
    await model.refresh();
  }
}

async function showProblem(
  error: unknown,
  trans: TranslationBundle
): Promise<void> {
  const { message, reason, remedy } = asProblem(error);
  await showDialog({
    title: message,
    body: [reason, remedy].filter(Boolean).join('\n\n'),
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}
