/**
 * The side panel: a widget around the views, which draws only while it can be seen.
 *
 * Imports the views and tokens.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import { PANEL_ID } from './ids';
import { greenIcon } from './icons';
import { ViewContext, Visible, type IViewContext } from './views/context';
import { PanelView } from './views/panel';

/** The energy panel. */
export class GreenPanel extends ReactWidget {
  constructor(context: IViewContext) {
    super();
    const { trans } = context;
    this._context = context;
    this.id = PANEL_ID;
    this.addClass('jp-GreenPanel');
    this.title.icon = greenIcon;
    this.title.caption = trans.__('Energy and CO₂e');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Energy and CO₂e'));
  }

  override dispose(): void {
    this._watching?.dispose();
    super.dispose();
  }

  protected override render(): JSX.Element {
    return (
      <ViewContext.Provider value={this._context}>
        <Visible.Provider value={this._watching !== null}>
          <PanelView />
        </Visible.Provider>
      </ViewContext.Provider>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._look();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._look();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._look();
  }

  protected override onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    this._watching?.dispose();
    this._watching = null;
  }

  private _look(): void {
    if (this.isVisible === (this._watching !== null)) {
      return;
    }
    this._watching?.dispose();
    this._watching = this.isVisible ? this._context.model.watch() : null;
    this.update();
  }

  private readonly _context: IViewContext;
  private _watching: IDisposable | null = null;
}
