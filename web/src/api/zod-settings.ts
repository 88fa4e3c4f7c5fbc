import { config } from 'zod';

// zod's fast path compiles functions from text. The content security policy forbids that and would report every try, so it is
// off before the first schema is built: this file is imported before every other one.
config({ jitless: true });
