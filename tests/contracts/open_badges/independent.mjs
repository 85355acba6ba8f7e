// Digital Bazaar's libraries, offline. stdin: {verify, issue, seed, documents}; stdout: {verified, issued}.
import * as vc from '@digitalbazaar/vc';
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import { cryptosuite } from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';

let text = '';
for await (const part of process.stdin) text += part;
const { verify, issue, seed, documents } = JSON.parse(text);
const documentLoader = async (url) => {
  if (!(url in documents)) throw new Error(`There is no document ${url}.`);
  return { contextUrl: null, documentUrl: url, document: documents[url] };
};
const checkStatus = async () => ({ verified: true });

const verified = [];
for (const credential of verify) {
  const suite = new DataIntegrityProof({ cryptosuite });
  const { verified: good, error } = await vc.verifyCredential({ credential, suite, documentLoader, checkStatus });
  verified.push({ good, error: String(error?.errors?.[0]?.message ?? error?.message ?? '') });
}

const key = await Ed25519Multikey.generate({ seed: Uint8Array.from(seed) });
const did = `did:key:${key.publicKeyMultibase}`;
key.id = `${did}#${key.publicKeyMultibase}`;
key.controller = did;
const issued = [];
for (const credential of issue) {
  const suite = new DataIntegrityProof({ signer: key.signer(), cryptosuite });
  issued.push(await vc.issue({ credential: { ...credential, issuer: { ...credential.issuer, id: did } }, suite, documentLoader }));
}
process.stdout.write(JSON.stringify({ verified, issued }));
