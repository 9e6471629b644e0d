/** What all parts of the panel need.  Imports tokens. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import type { IGreenModel } from '../tokens';

/** The model, the words, and the way to act. */
export interface IViewContext {
  model: IGreenModel;
  trans: TranslationBundle;
  /** Run a command; failures are shown to the user. */
  run(command: string, args?: { [name: string]: string }): void;
  /** JupyterLab's own picture for settings. */
  settingsIcon: React.ReactNode;
  /** Emitted when the theme has changed. */
  themeChanged: ISignal<unknown, unknown> | null;
}

/** Given by the panel. */
export const ViewContext = React.createContext<IViewContext | null>(null);

/** Whether the panel is on screen: else nothing is drawn. */
export const Visible = React.createContext(true);

/** Return what the panel gives its parts. */
export function useView(): IViewContext {
  const context = React.useContext(ViewContext);
  if (!context) {
    throw new Error('A part of the panel stands outside of it.');
  }
  return context;
}

/** Draw again when the signal is emitted and the panel is on screen. */
export function useSignal(signal: ISignal<unknown, unknown>): void {
  const [, draw] = React.useReducer((count: number) => count + 1, 0);
  const visible = React.useContext(Visible);
  React.useEffect(() => {
    if (!visible) {
      return;
    }
    // What changed while hidden is drawn now.
    draw();
    const slot = () => draw();
    signal.connect(slot);
    return () => {
      signal.disconnect(slot);
    };
  }, [signal, visible]);
}
