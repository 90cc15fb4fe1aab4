import { expect, it } from 'vitest';
import { sha512Crypt } from './sha512-crypt.ts';

// Made by crypt(3) itself: `openssl passwd -6 -salt SALT PASSWORD`.
it.each([
  ['Hello world!', 'saltstring', '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1'],
  ['loft', 'a', '$6$a$Iy3sJ4ihSlWm.UXzRiU8Y1QpgbFdfEhOvD7GyAkQ00xsEBNrhzBcF3.JJ7fQDkvyuRMPLuTm8..iEqgwmEeqT/'],
  ['Grüße aus dem Dachboden', './zZ09', '$6$./zZ09$pa9Ztfuzgp1OHBcflYTyGgoMHV7G.SShR1nEX.bl9N6OK.RSrtHjPZ.v6TrGfThikjW7zgnojjkzJ.H9hkVdl1'],
  ['x'.repeat(200), '0123456789abcdef', '$6$0123456789abcdef$Rru0YcJdWAfylTzYkMBaHfdgEjT2jeUewuTfATTJEn/Inu1Ma3JNgneCwDVl2NaWmkgDKZzdSV8VisQ10exaF.'],
])('agrees with crypt(3) on %j', (password, salt, hash) => {
  expect(sha512Crypt(password, salt)).toBe(hash);
});

it('takes another salt each time', () => {
  const [first, second] = [sha512Crypt('loft'), sha512Crypt('loft')];
  expect(first).toMatch(/^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$/);
  expect(first).not.toBe(second);
});
