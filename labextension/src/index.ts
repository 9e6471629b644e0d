/**
 * The plugins: only wiring.  A missing optional token means that a feature is absent.
 */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IThemeManager } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ServerConnection } from '@jupyterlab/services';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { settingsIcon } from '@jupyterlab/ui-components';
import { createElement } from 'react';

import { CellBadges } from './badge';
import { addCommands, runCommand, warnOfBudgets } from './commands';
import { CommandIDs, PANEL_ID, PLUGIN_ID } from './ids';
import { GreenModel } from './model';
import { OpenNotebook } from './notebook';
import { GreenPanel } from './panel';
import { GreenApi } from './request';
import { GreenStatus } from './statusbar';
import { GreenStream } from './stream';
import { DEFAULT_SETTINGS, IGreenModel, type IGreenSettings } from './tokens';

const DOMAIN = 'jupyter_green';

/** Talks to the server; gives the model. */
const modelPlugin: JupyterFrontEndPlugin<IGreenModel> = {
  id: PLUGIN_ID,
  description: 'Live power, records and totals of this server.',
  autoStart: true,
  provides: IGreenModel,
  optional: [INotebookTracker, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker | null,
    registry: ISettingRegistry | null
  ): IGreenModel => {
    const api = createApi(app);
    const model = new GreenModel({ api, stream: createStream(app, api) });
    model.setPageVisible(!document.hidden);
    document.addEventListener('visibilitychange', () => {
      model.setPageVisible(!document.hidden);
    });
    if (tracker) {
      followNotebooks(app, tracker, model);
    }
    if (registry) {
      void followSettings(registry, model);
    }
    return model;
  }
};

/** The panel and the commands. */
const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-green:panel',
  description: 'The energy panel and its commands.',
  autoStart: true,
  requires: [IGreenModel],
  optional: [
    ITranslator,
    ICommandPalette,
    IDocumentManager,
    ILayoutRestorer,
    IThemeManager,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    model: IGreenModel,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    documents: IDocumentManager | null,
    restorer: ILayoutRestorer | null,
    themes: IThemeManager | null,
    registry: ISettingRegistry | null
  ) => {
    const trans = words(translator);
    const api = createApi(app);
    const options = { app, model, api, trans, palette, documents };
    addCommands(options);
    warnOfBudgets(options);
    const panel = new GreenPanel({
      model,
      trans,
      run: (command, args) => void runCommand(options, command, args),
      settingsIcon: createElement(settingsIcon.react, { tag: 'span' }),
      themeChanged: themes?.themeChanged ?? null
    });
    app.shell.add(panel, 'right', { rank: 900, type: 'Energy' });
    restorer?.add(panel, PANEL_ID);
    void app.restored.then(async () => {
      // Without settings the panel stays as it was; `followSettings` says why.
      const settings = await registry?.load(PLUGIN_ID).catch(() => null);
      if (settings?.get('openAtStart').composite) {
        app.shell.activateById(PANEL_ID);
      }
    });
  }
};

/** Watts and grams in the status bar. */
const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-green:status',
  description: 'Watts and grams in the status bar.',
  autoStart: true,
  requires: [IGreenModel],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IGreenModel,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    // Notebook 7 has no status bar.
    if (!statusBar) {
      return;
    }
    const item = new GreenStatus(model, words(translator), () => {
      void app.commands.execute(CommandIDs.openPanel);
    });
    statusBar.registerStatusItem('jupyter-green:status', {
      item,
      align: 'right',
      rank: 50,
      isActive: () =>
        model.settings.showStatusBar && model.connection !== 'missing',
      activeStateChanged: model.stateChanged
    });
  }
};

/** A badge at each metered cell. */
const badgePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-green:badges',
  description: 'What it cost, below each metered cell.',
  autoStart: true,
  requires: [IGreenModel],
  optional: [INotebookTracker, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IGreenModel,
    tracker: INotebookTracker | null,
    translator: ITranslator | null
  ) => {
    const trans = words(translator);
    const { contents } = app.serviceManager;
    const openPanel = () => {
      void app.commands.execute(CommandIDs.openPanel);
    };
    tracker?.forEach(panel => add(panel));
    tracker?.widgetAdded.connect((_, panel) => add(panel));
    function add(panel: NotebookPanel): void {
      void panel.context.ready.then(() => {
        if (!panel.isDisposed) {
          const path = () => contents.localPath(panel.context.path);
          new CellBadges({ panel, path, model, trans, openPanel });
        }
      });
    }
  }
};

function words(translator: ITranslator | null): TranslationBundle {
  return (translator ?? nullTranslator).load(DOMAIN);
}

function createApi(app: JupyterFrontEnd): GreenApi {
  const settings = app.serviceManager.serverSettings;
  return new GreenApi({
    url: URLExt.join(settings.baseUrl, 'jupyter-green', 'api'),
    fetch: (url, init) => ServerConnection.makeRequest(url, init, settings)
  });
}

function createStream(app: JupyterFrontEnd, api: GreenApi): GreenStream {
  const settings = app.serviceManager.serverSettings;
  const url = URLExt.join(settings.wsUrl, 'jupyter-green', 'api', 'stream');
  const token = settings.appendToken && settings.token;
  const query = token ? `?token=${encodeURIComponent(token)}` : '';
  return new GreenStream({
    api,
    open: () => new settings.WebSocket(`${url}${query}`)
  });
}

/** Tell the model which notebook is the active one. */
function followNotebooks(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  model: IGreenModel
): void {
  const open = new Map<NotebookPanel, OpenNotebook>();
  const { contents } = app.serviceManager;
  const choose = async (panel: NotebookPanel | null) => {
    await panel?.context.ready;
    if (panel !== tracker.currentWidget || panel?.isDisposed) {
      return;
    }
    if (panel && !open.has(panel)) {
      open.set(panel, new OpenNotebook(panel, contents));
      panel.disposed.connect(() => {
        open.get(panel)?.dispose();
        open.delete(panel);
      });
    }
    model.setNotebook(panel ? (open.get(panel) ?? null) : null);
  };
  tracker.currentChanged.connect((_, panel) => void choose(panel));
  void choose(tracker.currentWidget);
}

async function followSettings(
  registry: ISettingRegistry,
  model: IGreenModel
): Promise<void> {
  try {
    const settings = await registry.load(PLUGIN_ID);
    const take = () => {
      const given = settings.composite as Partial<IGreenSettings>;
      model.setSettings({ ...DEFAULT_SETTINGS, ...given });
    };
    settings.changed.connect(take);
    take();
  } catch (error) {
    console.error('Failed to load the settings of jupyter-green', error);
  }
}

export { IGreenModel } from './tokens';

export default [modelPlugin, panelPlugin, statusPlugin, badgePlugin];
