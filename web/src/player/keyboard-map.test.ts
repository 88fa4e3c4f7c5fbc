import { describe, expect, it } from 'vitest';
import { commandOfKey, type KeyPress } from './keyboard-map.ts';

const press = (key: string, change: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code: '',
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  shiftKey: false,
  ...change,
});

describe('keys of the player', () => {
  it.each([
    [' ', { do: 'toggle-play' }],
    ['k', { do: 'toggle-play' }],
    ['K', { do: 'toggle-play' }],
    ['ArrowLeft', { do: 'seek-by', seconds: -5 }],
    ['l', { do: 'seek-by', seconds: 10 }],
    ['ArrowUp', { do: 'change-volume', by: 0.05 }],
    ['5', { do: 'seek-to-fraction', fraction: 0.5 }],
    ['End', { do: 'seek-to-fraction', fraction: 1 }],
    ['f', { do: 'toggle-full-screen' }],
    ['z', null],
  ])('%j is %j', (key, command) => expect(commandOfKey(press(key), 'page', true)).toEqual(command));

  it('belong to the browser with Ctrl, Alt or Meta', () => {
    for (const modifier of ['ctrlKey', 'altKey', 'metaKey'] as const) {
      expect(commandOfKey(press('f', { [modifier]: true }), 'page', true)).toBeNull();
    }
  });

  it('belong to fields and menus while these have the focus', () => {
    expect(commandOfKey(press('k'), 'text', true)).toBeNull();
    expect(commandOfKey(press('ArrowDown'), 'menu', true)).toBeNull();
  });

  it('leave Space and Enter to a button, and nothing else', () => {
    expect(commandOfKey(press(' '), 'button', true)).toBeNull();
    expect(commandOfKey(press('Enter'), 'button', true)).toBeNull();
    expect(commandOfKey(press('m'), 'button', true)).toEqual({ do: 'toggle-mute' });
  });

  it('can have their single characters turned off', () => {
    for (const key of ['k', 'm', '5', '?', '<', ',']) expect(commandOfKey(press(key), 'page', false)).toBeNull();
    expect(commandOfKey(press(' '), 'page', false)).toEqual({ do: 'toggle-play' });
  });

  it('go by their place on a layout without Latin letters', () => {
    expect(commandOfKey(press('л', { code: 'KeyK' }), 'page', true)).toEqual({ do: 'toggle-play' });
    expect(commandOfKey(press('ь', { code: 'KeyM' }), 'page', true)).toEqual({ do: 'toggle-mute' });
  });

  it('go by their letter on a Latin layout with other places', () => {
    expect(commandOfKey(press('m', { code: 'Semicolon' }), 'page', true)).toEqual({ do: 'toggle-mute' });
  });
});
