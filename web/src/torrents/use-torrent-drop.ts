import { onMounted, onUnmounted, shallowRef } from 'vue';

export interface DropOptions {
  onFile(file: File): void;
  /** A link or text that was dropped, or pasted outside of every field. */
  onText(text: string): void;
}

/** Drop a .torrent or a link anywhere on the page; paste a link without clicking into the box first. */
export function useTorrentDrop({ onFile, onText }: DropOptions) {
  const isDragging = shallowRef(false);
  const stop = new AbortController();
  // Every element under the pointer sends its own enter and leave.
  let depth = 0;

  function onDrop(event: DragEvent): void {
    event.preventDefault();
    depth = 0;
    isDragging.value = false;
    const file = event.dataTransfer?.files[0];
    const text = event.dataTransfer?.getData('text/plain') || event.dataTransfer?.getData('text/uri-list');
    if (file) onFile(file);
    else if (text) onText(text);
  }

  function onPaste(event: ClipboardEvent): void {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
    const file = event.clipboardData?.files[0];
    const text = event.clipboardData?.getData('text/plain');
    if (file) onFile(file);
    else if (text) onText(text);
  }

  onMounted(() => {
    const { signal } = stop;
    addEventListener('dragenter', () => setDepth(depth + 1), { signal });
    addEventListener('dragleave', () => setDepth(depth - 1), { signal });
    addEventListener('dragover', (event) => event.preventDefault(), { signal });
    addEventListener('drop', onDrop, { signal });
    addEventListener('paste', onPaste, { signal });
  });
  onUnmounted(() => stop.abort());

  function setDepth(next: number): void {
    depth = Math.max(0, next);
    isDragging.value = depth > 0;
  }

  return { isDragging };
}
