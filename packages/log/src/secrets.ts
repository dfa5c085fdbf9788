// Names of things that do not belong into a log. `*` at an end of a name stands for anything, so that `*password`
// is also `dbPassword` and `DB_PASSWORD`.

/**
 * The keys that are redacted unless `redact.keys` says otherwise: credentials of HTTP, OAuth, clouds and common
 * clients. Names that are as often innocent (`*token`, `pass`, `card`) are not among them; see `commonSecrets`.
 */
export const defaultRedactedKeys: readonly string[] = Object.freeze([
  // HTTP
  '*authorization',
  'cookie',
  'setCookie',
  'cookies',
  'rawHeaders',
  'xAuthToken',
  'csrfToken',
  'xCsrfToken',
  'xsrfToken',
  'xXsrfToken',
  // Passwords
  '*password',
  '*passwordHash',
  '*passwd',
  'pwd',
  '*passphrase',
  'pin',
  // Keys and secrets
  '*secret',
  '*secretKey',
  '*secretAccessKey',
  '*apiKey',
  '*apiSecret',
  '*privateKey',
  '*signingKey',
  '*encryptionKey',
  '*subscriptionKey',
  '*sharedAccessKey',
  'accountKey',
  'masterKey',
  '*credential',
  '*credentials',
  '*connectionString',
  // Tokens
  'token',
  '*accessToken',
  '*refreshToken',
  '*idToken',
  '*authToken',
  '*sessionToken',
  '*securityToken',
  '*bearerToken',
  '*privateToken',
  'xVaultToken',
  'jwt',
  'codeVerifier',
  // Payment
  'cvv',
  'cvc',
])

/**
 * A wider net, for `redact: { keys: commonSecrets }`: `defaultRedactedKeys`, every key that ends with `token`,
 * session ids, one-time codes, payment and identity numbers, signatures of URLs. It also catches harmless values
 * such as `nextPageToken`; that is its price.
 */
export const commonSecrets: readonly string[] = Object.freeze([
  ...defaultRedactedKeys,
  '*token',
  '*tokens',
  '*secrets',
  '*passwords',
  'pass',
  'auth',
  // Sessions
  'session',
  'sessionId',
  'sessionCookie',
  'sid',
  'connect.sid',
  'phpSessId',
  'jSessionId',
  // Codes that are sent to somebody
  'otp',
  'totp',
  '*otpCode',
  '*mfaCode',
  '*verificationCode',
  '*recoveryCode',
  '*recoveryCodes',
  // Payment
  '*creditCard',
  '*creditCardNumber',
  '*cardNumber',
  'card',
  'pan',
  'ccNumber',
  'cvv2',
  'cvc2',
  'ccv',
  '*securityCode',
  'iban',
  '*accountNumber',
  '*routingNumber',
  // People
  'ssn',
  '*socialSecurityNumber',
  '*taxId',
  '*passportNumber',
  '*driversLicense',
  // Signatures and seeds
  'sig',
  '*signature',
  'mnemonic',
  'seedPhrase',
  '*pem',
  'dsn',
])
