/**
 * A widget that watches the model only while it can be seen: what nobody sees costs
 * nothing, here and on the server.
 *
 * Imports nothing of this extension.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';

/** Holds a watch from when it is shown until it is hidden, detached or disposed. */
export abstract class WatchingWidget extends ReactWidget {
  override dispose(): void {
    this._stop();
    super.dispose();
  }

  /** Whether it can be seen and is therefore kept up to date. */
  get isWatching(): boolean {
    return this._watching !== null;
  }

  /** Begin to watch; disposing the answer ends it. */
  protected abstract watch(): IDisposable;

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._look();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._look();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._look();
  }

  protected override onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    this._stop();
  }

  private _look(): void {
    if (this.isVisible === this.isWatching) {
      return;
    }
    this._stop();
    this._watching = this.isVisible ? this.watch() : null;
    this.update();
  }

  private _stop(): void {
    this._watching?.dispose();
    this._watching = null;
  }

  private _watching: IDisposable | null = null;
}
