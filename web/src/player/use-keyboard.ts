import { onMounted, onUnmounted } from 'vue';
import { commandOfKey, type KeyTarget, type PlayerCommand } from './keyboard-map.ts';
import { preferences } from './preferences.ts';

/** Keys of the whole page, as long as the player is on it. */
export function useKeyboard(run: (command: PlayerCommand) => void, showControls: () => void): void {
  function onKeyDown(event: KeyboardEvent): void {
    if (event.defaultPrevented) return;
    const command = commandOfKey(event, targetOf(event.target), preferences.areLetterKeysOn);
    if (!command) return;
    event.preventDefault();
    showControls();
    run(command);
  }
  onMounted(() => addEventListener('keydown', onKeyDown));
  onUnmounted(() => removeEventListener('keydown', onKeyDown));
}

function targetOf(target: EventTarget | null): KeyTarget {
  if (!(target instanceof Element)) return 'page';
  if (target.closest('[role=menu], [role=dialog]')) return 'menu';
  if (target.closest('input, textarea, select, [contenteditable]')) return 'text';
  return target.closest('button, a, [role=button]') ? 'button' : 'page';
}
