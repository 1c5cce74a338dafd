"""Tables of the sign-in. Times are whole seconds since 1970; secret values are there as SHA-256 only."""

from __future__ import annotations

import secrets
import uuid

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin
from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Integer, String, Text
from sqlalchemy.orm import relationship

from portal.db import Base
from portal.smart import redirects, scopes
from portal.smart.values import digest


def _new_id() -> str:
    return str(uuid.uuid4())


class User(Base):
    """A person who may sign in, and whose chart that opens."""

    __tablename__ = "portal_user"
    id = Column(String(36), primary_key=True, default=_new_id)
    username = Column(String(100), nullable=False, unique=True)
    password_hash = Column(String(255), nullable=False)
    patient_id = Column(String(64), nullable=False)
    display_name = Column(String(200), nullable=False)
    demo = Column(Boolean, nullable=False, default=False)
    note = Column(Text, nullable=False, default="")


class Client(Base, ClientMixin):
    """An app. Without a secret it is public; with `system/` scopes it acts for itself, without a patient."""

    __tablename__ = "oauth_client"
    client_id = Column(String(100), primary_key=True)
    name = Column(String(200), nullable=False)
    secret_hash = Column(String(64))
    redirect_uris = Column(JSON, nullable=False)
    scope = Column(Text, nullable=False)
    loopback_any_port = Column(Boolean, nullable=False, default=False)

    @property
    def is_system(self) -> bool:
        """Whether it acts for itself."""
        return scopes.is_system(self.scope)

    def get_client_id(self) -> str:
        return str(self.client_id)

    def get_default_redirect_uri(self) -> None:
        return None  # a request must name it: the match is exact

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return scopes.narrow(scope or "", self.scope) or None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirects.matches(redirect_uri, self.redirect_uris, any_port=self.loopback_any_port)

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(self.secret_hash) and secrets.compare_digest(self.secret_hash, digest(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method != "none") if self.secret_hash else (method == "none")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and not self.is_system

    def check_grant_type(self, grant_type: str) -> bool:
        own = {"client_credentials"} if self.is_system else {"authorization_code", "refresh_token"}
        return grant_type in own


class Grant(Base):
    """One "Allow" of one person for one app. Its code and tokens live and end with it."""

    __tablename__ = "oauth_grant"
    id = Column(String(36), primary_key=True, default=_new_id)
    client_id = Column(ForeignKey("oauth_client.client_id"), nullable=False)
    user_id = Column(ForeignKey("portal_user.id"), index=True)
    patient_id = Column(String(64))
    related_person_id = Column(String(64))  # who acts for the patient; none: the patient
    scope = Column(Text, nullable=False)
    created_at = Column(BigInteger, nullable=False)
    expires_at = Column(BigInteger, nullable=False, index=True)
    revoked_at = Column(BigInteger)
    user = relationship(User, lazy="joined")

    @property
    def fhir_user(self) -> str:
        """Who opens the patient's chart, as a relative reference: the patient, or who acts for the patient."""
        helper = self.related_person_id
        return f"RelatedPerson/{helper}" if helper else f"Patient/{self.patient_id}"


class Code(Base, AuthorizationCodeMixin):
    """An authorization code. It stays after its use, so that a second use is noticed."""

    __tablename__ = "oauth_code"
    code_hash = Column(String(64), primary_key=True)
    grant_id = Column(ForeignKey("oauth_grant.id"), nullable=False, index=True)
    redirect_uri = Column(Text, nullable=False)
    code_challenge = Column(String(128), nullable=False)
    code_challenge_method = Column(String(8), nullable=False)
    expires_at = Column(BigInteger, nullable=False)
    used_at = Column(BigInteger)
    grant = relationship(Grant, lazy="joined", innerjoin=True)

    def get_redirect_uri(self) -> str:
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        return str(self.grant.scope)


class Token(Base, TokenMixin):
    """An access token or a refresh token. A used refresh token stays, so that a second use is noticed."""

    __tablename__ = "oauth_token"
    token_hash = Column(String(64), primary_key=True)
    grant_id = Column(ForeignKey("oauth_grant.id"), nullable=False, index=True)
    kind = Column(String(7), nullable=False)  # access, refresh
    scope = Column(Text, nullable=False)
    issued_at = Column(BigInteger, nullable=False)
    expires_at = Column(BigInteger, nullable=False, index=True)
    used_at = Column(BigInteger)
    grant = relationship(Grant, lazy="joined", innerjoin=True)

    def check_client(self, client: Client) -> bool:
        return bool(self.grant.client_id == client.client_id)

    def get_scope(self) -> str:
        return str(self.scope)

    def live_at(self, moment: int) -> bool:
        """Whether it is good for anything at `moment`."""
        ends = min(self.expires_at, self.grant.expires_at)
        return self.used_at is None and self.grant.revoked_at is None and moment < ends


class BrowserSession(Base):
    """A browser signed in to the account page."""

    __tablename__ = "signin_session"
    secret_hash = Column(String(64), primary_key=True)
    user_id = Column(ForeignKey("portal_user.id"), nullable=False, index=True)
    expires_at = Column(BigInteger, nullable=False)


class Choice(Base):
    """A person who has given the password and is choosing a chart; the key is a hash of ticket, browser and request."""

    __tablename__ = "signin_choice"
    key_hash = Column(String(64), primary_key=True)
    user_id = Column(ForeignKey("portal_user.id"), nullable=False)
    expires_at = Column(BigInteger, nullable=False, index=True)


class Attempts(Base):
    """How often a sign-in was tried for one key (a hash of username and address) since `started_at`."""

    __tablename__ = "signin_attempts"
    key_hash = Column(String(64), primary_key=True)
    started_at = Column(BigInteger, nullable=False, index=True)
    count = Column(Integer, nullable=False)
