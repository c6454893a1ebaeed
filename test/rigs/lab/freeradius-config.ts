// A whole FreeRADIUS 3.2 configuration in one text. Its parser wants each brace on a line of its own. Replies to PAP and
// CHAP are signed only where a policy says so: before 3.2.5 nothing else makes it do that.

import type { Certificates, Issued } from './certificates.ts';

export type ReplyValue = string | number | readonly string[];

export interface RadiusUser {
  readonly name: string;
  /** Left out for a user who comes with a certificate. */
  readonly password?: string;
  /** What else must be so, as FreeRADIUS writes it: `'NAS-Port-Id == "p1"'`. A user may be listed once for each case. */
  readonly check?: string;
  /** Accepted when the switch asks with Service-Type Authorize-Only (RFC 5176 §3.2). */
  readonly authorizeOnly?: boolean;
  /** Attributes of the Access-Accept, as FreeRADIUS writes them: `{'Session-Timeout': 5, Class: '"gold"'}`. */
  /** A list: the attribute so many times. */
  readonly reply?: Readonly<Record<string, ReplyValue>>;
}

export interface RadiusSettings {
  readonly folder: string;
  readonly certificates: Certificates;
  readonly secret: string;
  /** Of the two UDP sockets. */
  readonly address: string;
  readonly client: string;
  readonly authPort: number;
  readonly acctPort: number;
  /** RADIUS over TLS, beside UDP; clients have a certificate of the lab's authority. */
  readonly radSec?: { readonly port: number } & Issued;
  /** What the server offers first; a client that wants another method says so with a Nak. */
  readonly firstMethod: 'md5' | 'peap' | 'ttls' | 'tls';
  /** Octets of EAP-TLS per message. */
  readonly fragmentSize: number;
  readonly sql: boolean;
}

type RadSec = NonNullable<RadiusSettings['radSec']>;

export function usersFile(users: readonly RadiusUser[]): string {
  return users
    .filter((user) => user.password !== undefined)
    .map(({ name, password, check, authorizeOnly }) => {
      const accepted = authorizeOnly ? `"${name}" Service-Type == Authorize-Only, Auth-Type := Accept\n` : '';
      const also = check === undefined ? '' : `, ${check}`;
      return `${accepted}"${name}" Cleartext-Password := "${password}"${also}\n`;
    })
    .join('');
}

export function repliesFile(users: readonly RadiusUser[]): string {
  return users
    .map((user) => {
      const reply = Object.entries(user.reply ?? {}).flatMap(([name, value]) =>
        typeof value === 'object' ? value.map((each) => `\t${name} += ${each}`) : [`\t${name} := ${value}`],
      );
      return `"${user.name}"\n${reply.join(',\n')}\n`;
    })
    .join('');
}

/** As FreeRADIUS comes with it, on a file of the lab's own. */
function sqlModule(folder: string): string {
  const shipped = '/etc/freeradius/3.0/mods-config/sql/main/sqlite';
  return `	expr {
	}
	sql {
		dialect = "sqlite"
		driver = "rlm_sql_sqlite"
		sqlite {
			filename = "${folder}/radacct.db"
			busy_timeout = 200
			bootstrap = "${shipped}/schema.sql"
		}
		radius_db = "radius"
		acct_table1 = "radacct"
		acct_table2 = "radacct"
		postauth_table = "radpostauth"
		authcheck_table = "radcheck"
		groupcheck_table = "radgroupcheck"
		authreply_table = "radreply"
		groupreply_table = "radgroupreply"
		usergroup_table = "radusergroup"
		client_table = "nas"
		group_attribute = "SQL-Group"
		delete_stale_sessions = yes
		read_clients = no
		pool {
			start = 1
			min = 1
			max = 1
			spare = 0
			uses = 0
			lifetime = 0
			idle_timeout = 0
		}
		$INCLUDE ${shipped}/queries.conf
	}
`;
}

function radSecListener(
  { address, certificates }: RadiusSettings,
  { port, certificate, key }: RadSec,
): string {
  return `listen {
		type = auth+acct
		proto = tcp
		ipaddr = ${address}
		port = ${port}
		clients = radsec
		limit {
			max_connections = 16
			lifetime = 0
			idle_timeout = 0
		}
		tls {
			private_key_file = ${key}
			certificate_file = ${certificate}
			ca_file = ${certificates.ca}
			cipher_list = "DEFAULT"
			tls_min_version = "1.2"
			tls_max_version = "1.3"
			cache {
				enable = no
			}
			require_client_cert = yes
		}
	}`;
}

export function radiusdConf(settings: RadiusSettings): string {
  const { folder, certificates, sql } = settings;
  return `
prefix = /usr
libdir = /usr/lib/freeradius
logdir = ${folder}
run_dir = ${folder}
confdir = ${folder}
max_request_time = 30
cleanup_delay = 5
max_requests = 16384
hostname_lookups = no
proxy_requests = no
log {
	destination = stdout
	auth = yes
}
security {
	max_attributes = 200
	reject_delay = 0
	status_server = yes
}
thread pool {
	start_servers = 2
	max_servers = 4
	min_spare_servers = 1
	max_spare_servers = 3
	max_requests_per_server = 0
}
client switch {
	ipaddr = ${settings.client}
	secret = ${settings.secret}
	require_message_authenticator = yes
}
clients radsec {
	client switch_tls {
		ipaddr = ${settings.client}
		proto = tls
		secret = radsec
	}
}
modules {
	always ok {
		rcode = ok
	}
	always reject {
		rcode = reject
	}
	pap {
	}
	chap {
	}
	mschap {
	}
	files {
		usersfile = ${folder}/users
	}
	files replies {
		postauth_usersfile = ${folder}/replies
	}
	detail {
		filename = ${folder}/accounting.detail
		permissions = 0600
		locking = no
	}
${sql ? sqlModule(folder) : ''}	eap {
		default_eap_type = ${settings.firstMethod}
		timer_expire = 60
		ignore_unknown_eap_types = no
		max_sessions = 16384
		md5 {
		}
		mschapv2 {
		}
		tls-config lab {
			private_key_file = ${certificates.serverKey}
			certificate_file = ${certificates.serverCertificate}
			ca_file = ${certificates.ca}
			fragment_size = ${settings.fragmentSize}
			cipher_list = "DEFAULT"
			ecdh_curve = "prime256v1"
			tls_min_version = "1.2"
			tls_max_version = "1.2"
			cache {
				enable = no
			}
		}
		tls {
			tls = lab
		}
		ttls {
			tls = lab
			default_eap_type = md5
			copy_request_to_tunnel = no
			use_tunneled_reply = no
			virtual_server = "inner"
		}
		peap {
			tls = lab
			default_eap_type = mschapv2
			copy_request_to_tunnel = no
			use_tunneled_reply = no
			virtual_server = "inner"
		}
	}
}
server outer {
	listen {
		type = auth
		ipaddr = ${settings.address}
		port = ${settings.authPort}
	}
	listen {
		type = acct
		ipaddr = ${settings.address}
		port = ${settings.acctPort}
	}
	${settings.radSec === undefined ? '' : radSecListener(settings, settings.radSec)}
	authorize {
		chap
		eap {
			ok = return
		}
		files
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type CHAP {
			chap
		}
		eap
	}
	preacct {
		update request {
			Acct-Unique-Session-Id := "%{Acct-Session-Id}"
		}
		ok
	}
	accounting {
		detail
		${sql ? 'sql' : ''}
	}
	post-auth {
		replies
		update reply {
			Message-Authenticator := 0x00
		}
		Post-Auth-Type REJECT {
			update reply {
				Message-Authenticator := 0x00
				Reply-Message := "refused by the lab"
				Message-Authenticator := 0x00
			}
			eap
		}
	}
}
server inner {
	authorize {
		eap {
			ok = return
		}
		files
		mschap
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type MS-CHAP {
			mschap
		}
		eap
	}
}
`;
}
