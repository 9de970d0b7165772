// What the clients share: where the server is, and checks.
import assert from 'node:assert';

export const port = Number(process.argv[2]);
export const config = (database) => ({host: '127.0.0.1', port, user: 'postgres', database});
let wrong = 0;

export function same(what, got, expected) {
    try {
        assert.deepStrictEqual(got, expected);
    } catch {
        wrong++;
        console.log(`WRONG ${what}:\n  got      ${JSON.stringify(got)}\n  expected ${JSON.stringify(expected)}`);
    }
}

export async function fails(what, code, call) {
    try {
        await call();
        same(what, 'no error', code);
    } catch (e) {
        same(what, (e.original ?? e).code, code);
    }
}

export const end = () => process.exit(wrong ? 1 : 0);
