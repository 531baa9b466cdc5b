//! TLS, SASL, delegation tokens and authorization.

use crate::key::table;

table! {
    /// Class that decides who may do what.
    "authorizer.class.name": string = "", both, refused;
    /// Principals that may do everything.
    "super.users": string = "", both, unused;
    /// Allow what no ACL speaks of.
    "allow.everyone.if.no.acl.found": boolean = "false", both, unused;
    /// Class that names the principal of a connection.
    "principal.builder.class": class =
        "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
        both, per_broker, unused;
    /// Providers of Java's security algorithms.
    "security.providers": string, both, unused;
    /// Time between two searches for expired tokens.
    "delegation.token.expiry.check.interval.ms": long = "3600000", at_least(1), both, unused;
    /// Validity of a token until it is renewed.
    "delegation.token.expiry.time.ms": long = "86400000", at_least(1), both, unused;
    /// Longest life of a token.
    "delegation.token.max.lifetime.ms": long = "604800000", at_least(1), both, unused;
    /// Key that signs delegation tokens.
    "delegation.token.secret.key": password, both, unused;
    /// Class of the client's SASL callbacks.
    "sasl.client.callback.handler.class": class, both, unused;
    /// SASL mechanisms that are served.
    "sasl.enabled.mechanisms": list = "GSSAPI", both, per_broker, unused;
    /// JAAS login of a listener and mechanism.
    "sasl.jaas.config": password, both, per_broker, unused;
    /// Path of kinit.
    "sasl.kerberos.kinit.cmd": string = "/usr/bin/kinit", both, per_broker, unused;
    /// Rest between two Kerberos logins.
    "sasl.kerberos.min.time.before.relogin": long = "60000", both, per_broker, unused;
    /// Rules from Kerberos principals to short names.
    "sasl.kerberos.principal.to.local.rules": list = "DEFAULT", both, per_broker, unused;
    /// Kerberos service name.
    "sasl.kerberos.service.name": string, both, per_broker, unused;
    /// Random share of the time of renewal.
    "sasl.kerberos.ticket.renew.jitter": double = "0.05", both, per_broker, unused;
    /// Share of a ticket's life after which it is renewed.
    "sasl.kerberos.ticket.renew.window.factor": double = "0.8", both, per_broker, unused;
    /// Class of the login's callbacks.
    "sasl.login.callback.handler.class": class, both, unused;
    /// Class of the login.
    "sasl.login.class": class, both, unused;
    /// Connection timeout of the login provider.
    "sasl.login.connect.timeout.ms": int, both, unused;
    /// Read timeout of the login provider.
    "sasl.login.read.timeout.ms": int, both, unused;
    /// Margin before expiry in which a credential is refreshed.
    "sasl.login.refresh.buffer.seconds": short = "300", both, per_broker, unused;
    /// Shortest time between two refreshes.
    "sasl.login.refresh.min.period.seconds": short = "60", both, per_broker, unused;
    /// Share of a credential's life after which it is refreshed.
    "sasl.login.refresh.window.factor": double = "0.8", both, per_broker, unused;
    /// Random share of that time.
    "sasl.login.refresh.window.jitter": double = "0.05", both, per_broker, unused;
    /// Longest rest between two logins.
    "sasl.login.retry.backoff.max.ms": long = "10000", both, unused;
    /// First rest between two logins.
    "sasl.login.retry.backoff.ms": long = "100", both, unused;
    /// SASL mechanism towards controllers.
    "sasl.mechanism.controller.protocol": string = "GSSAPI", both, unused;
    /// SASL mechanism between brokers.
    "sasl.mechanism.inter.broker.protocol": string = "GSSAPI", both, per_broker, unused;
    /// Algorithm that signs OAuth assertions.
    "sasl.oauthbearer.assertion.algorithm": string = "RS256",
        one_of_ignoring_case(&["ES256", "RS256"]), both, unused;
    /// Audience of OAuth assertions.
    "sasl.oauthbearer.assertion.claim.aud": string, both, unused;
    /// Validity of OAuth assertions.
    "sasl.oauthbearer.assertion.claim.exp.seconds": int = "300", between(0, 86_400), both, unused;
    /// Issuer of OAuth assertions.
    "sasl.oauthbearer.assertion.claim.iss": string, both, unused;
    /// Give each OAuth assertion an id.
    "sasl.oauthbearer.assertion.claim.jti.include": boolean = "false", both, unused;
    /// How far back OAuth assertions are valid.
    "sasl.oauthbearer.assertion.claim.nbf.seconds": int = "60", between(0, 3600), both, unused;
    /// Subject of OAuth assertions.
    "sasl.oauthbearer.assertion.claim.sub": string, both, unused;
    /// File with a ready OAuth assertion.
    "sasl.oauthbearer.assertion.file": string, both, unused;
    /// File with the key of OAuth assertions.
    "sasl.oauthbearer.assertion.private.key.file": string, both, unused;
    /// Passphrase of that key.
    "sasl.oauthbearer.assertion.private.key.passphrase": password, both, unused;
    /// Template of OAuth assertions.
    "sasl.oauthbearer.assertion.template.file": string, both, unused;
    /// Client id at the OAuth provider.
    "sasl.oauthbearer.client.credentials.client.id": string, both, unused;
    /// Client secret at the OAuth provider.
    "sasl.oauthbearer.client.credentials.client.secret": password, both, unused;
    /// Clock difference allowed to the OAuth provider.
    "sasl.oauthbearer.clock.skew.seconds": int = "30", both, unused;
    /// Audiences that a token must name.
    "sasl.oauthbearer.expected.audience": list = "", both, unused;
    /// Issuer that a token must name.
    "sasl.oauthbearer.expected.issuer": string, both, unused;
    /// Time between two refreshes of the provider's keys.
    "sasl.oauthbearer.jwks.endpoint.refresh.ms": long = "3600000", both, unused;
    /// Longest rest between two attempts to get them.
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": long = "10000", both, unused;
    /// First rest between two attempts to get them.
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms": long = "100", both, unused;
    /// Where the provider's keys are.
    "sasl.oauthbearer.jwks.endpoint.url": string, both, unused;
    /// Class that gets tokens.
    "sasl.oauthbearer.jwt.retriever.class": class =
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
        both, unused;
    /// Class that checks tokens.
    "sasl.oauthbearer.jwt.validator.class": class =
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
        both, unused;
    /// Scope asked of the provider.
    "sasl.oauthbearer.scope": string, both, unused;
    /// Name of the scope claim.
    "sasl.oauthbearer.scope.claim.name": string = "scope", both, unused;
    /// Name of the subject claim.
    "sasl.oauthbearer.sub.claim.name": string = "sub", both, unused;
    /// Where tokens are issued.
    "sasl.oauthbearer.token.endpoint.url": string, both, unused;
    /// Class of the server's SASL callbacks.
    "sasl.server.callback.handler.class": class, both, unused;
    /// Largest message during SASL authentication.
    "sasl.server.max.receive.size": int = "524288", both, unused;
    /// Allow another distinguished name when certificates are changed.
    "ssl.allow.dn.changes": boolean = "false", both, unused;
    /// Allow other alternative names when certificates are changed.
    "ssl.allow.san.changes": boolean = "false", both, unused;
    /// TLS cipher suites.
    "ssl.cipher.suites": list = "", both, per_broker, unused;
    /// Whether clients must show a certificate.
    "ssl.client.auth": string = "none",
        one_of(&["required", "requested", "none"]), both, per_broker, unused;
    /// TLS versions that are served.
    "ssl.enabled.protocols": list = "TLSv1.2,TLSv1.3", both, per_broker, unused;
    /// How a client checks the server's name.
    "ssl.endpoint.identification.algorithm": string = "https", both, per_broker, unused;
    /// Class that makes TLS engines.
    "ssl.engine.factory.class": class, both, per_broker, unused;
    /// Password of the private key.
    "ssl.key.password": password, both, per_broker, unused;
    /// Algorithm of the key manager.
    "ssl.keymanager.algorithm": string = "SunX509", both, per_broker, unused;
    /// Certificates in PEM format.
    "ssl.keystore.certificate.chain": password, both, per_broker, unused;
    /// Private key in PEM format.
    "ssl.keystore.key": password, both, per_broker, unused;
    /// File of the key store.
    "ssl.keystore.location": string, both, per_broker, unused;
    /// Password of the key store.
    "ssl.keystore.password": password, both, per_broker, unused;
    /// Type of the key store.
    "ssl.keystore.type": string = "JKS", both, per_broker, unused;
    /// Rules from distinguished names to principals.
    "ssl.principal.mapping.rules": string = "DEFAULT", both, unused;
    /// TLS version that is preferred.
    "ssl.protocol": string = "TLSv1.3", both, per_broker, unused;
    /// Java's TLS provider.
    "ssl.provider": string, both, per_broker, unused;
    /// Random generator of TLS.
    "ssl.secure.random.implementation": string, both, per_broker, unused;
    /// Algorithm of the trust manager.
    "ssl.trustmanager.algorithm": string = "PKIX", both, per_broker, unused;
    /// Trusted certificates in PEM format.
    "ssl.truststore.certificates": password, both, per_broker, unused;
    /// File of the trust store.
    "ssl.truststore.location": string, both, per_broker, unused;
    /// Password of the trust store.
    "ssl.truststore.password": password, both, per_broker, unused;
    /// Type of the trust store.
    "ssl.truststore.type": string = "JKS", both, per_broker, unused;
}
