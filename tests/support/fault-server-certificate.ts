/**
 * A certificate for public.test, storage.test and localhost that nobody trusts, valid for 100 years. Its key is public: it
 * is for tests on loopback. `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500`
 */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBtTCCAVygAwIBAgIUVF2YzZK2XTHyWsOiJULCLZffX7swCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIbG9vcGJhY2swIBcNMjYxMTIyMDQzODQzWhgPMjEyNjEwMjkw
NDM4NDNaMBMxETAPBgNVBAMMCGxvb3BiYWNrMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEKsC12OLKlwEhWdAeoqUIph1FDd3cYd90ch5QJ/hXxsWoSm8OmfjIFn1s
u14hMOCK+exQ6dkcY1RUmA8EodowC6OBizCBiDAdBgNVHQ4EFgQUD7Ab85IyrSTE
Je2skT2Zt9ScuhIwHwYDVR0jBBgwFoAUD7Ab85IyrSTEJe2skT2Zt9ScuhIwDwYD
VR0TAQH/BAUwAwEB/zA1BgNVHREELjAsggtwdWJsaWMudGVzdIIMc3RvcmFnZS50
ZXN0gglsb2NhbGhvc3SHBH8AAAEwCgYIKoZIzj0EAwIDRwAwRAIgKLK/y/4+GoB4
zBfuNjRukPqFoLQ+ZxufU/v7BWQOfV4CIEE/XsqVhag5kj/8has0TOWB0s2r5Abo
PIxnCWo57MxN
-----END CERTIFICATE-----
`;

export const CERTIFICATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvcB8E/a4+BeIq/U0
7mkDWJK5DuzW146U0idDGzhifxehRANCAAQqwLXY4sqXASFZ0B6ipQimHUUN3dxh
33RyHlAn+FfGxahKbw6Z+MgWfWy7XiEw4Ir57FDp2RxjVFSYDwSh2jAL
-----END PRIVATE KEY-----
`;
