/* The grammar of Axolotl's SQL, PostgreSQL 15's dialect and a little more. The files of this folder
 * are joined in the order of their numbers, with the rules of keywords.def behind, and given to
 * Lemon:
 *
 *   10_base     tokens, precedence, the whole text, names
 *   20_type     type names
 *   30_expr     expressions
 *   35_func     functions, windows, CASE
 *   40_query    SELECT and what can stand in FROM
 *   50_change   INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY
 *   60_table    CREATE TABLE, CREATE INDEX, constraints
 *   65_alter    ALTER TABLE and its kin
 *   70_object   views, sequences, schemas, databases, types, functions, DROP, COMMENT
 *   75_role     roles, privileges
 *   80_session  transactions, settings, cursors, prepared statements, tools
 *
 * A rule's action builds a node and nothing else. Not every statement that parses is carried out;
 * what the executor lacks, analysis refuses by name. */

%name parse_grammar
%token_prefix TK_
%extra_context {struct parser *p}
%token_type {struct token}
%default_type {struct node *}
%stack_size 0
%start_symbol input
%wildcard WILDCARD.

%include {
#include <stdlib.h>
#include <string.h>

#include "parse/build.h"

#define realloc(stack, bytes) parse_stack_resize(stack, bytes)
#define YYNOERRORRECOVERY 1

void *parse_grammarAlloc(void *(*allocate)(size_t), struct parser *p);
void parse_grammarInit(void *lemon, struct parser *p);
void parse_grammarFinalize(void *lemon);
void parse_grammarFree(void *lemon, void (*release)(void *));
void parse_grammar(void *lemon, int code, struct token token);
int parse_grammarFallback(int code);
#ifndef NDEBUG
#include <stdio.h>
void parse_grammarTrace(FILE *to, char *prefix);
#endif
}

%syntax_error {
    (void)yymajor;
    (void)yyminor;
    parse_syntax_error(p);
}

%stack_overflow {
    parse_fail_hint(p, ST_STATEMENT_TOO_COMPLEX, -1, "stack depth limit exceeded",
                    "Split the statement, or nest it less deeply.");
}

/* In no rule: the scanner makes others of the first two, and a lone ".." fits nowhere. */
%token UIDENT USCONST DOT_DOT.
/* IF before EXISTS, where no IF EXISTS is expected, is a word like any other. */
%fallback IF IF_LA.

/* From loosest to tightest. SET is here for UPDATE t SET (t's alias might be "set"). */
%nonassoc SET.
%left UNION EXCEPT.
%left INTERSECT.
%left OR.
%left AND.
%right NOT.
%nonassoc IS ISNULL NOTNULL.
%nonassoc LT GT EQ LE GE NE.
%nonassoc BETWEEN IN LIKE ILIKE SIMILAR NOT_LA.
%nonassoc ESCAPE.
/* Keywords that can be names, and at some places mean something: what precedes them is reduced only
 * after the keyword use was tried. UNBOUNDED is below PRECEDING, CUBE and ROLLUP below the opening
 * parenthesis. */
%nonassoc UNBOUNDED.
%nonassoc IDENT PARTITION RANGE ROWS GROUPS PRECEDING FOLLOWING CUBE ROLLUP.
%left OP OPERATOR.
%left PLUS MINUS.
%left STAR SLASH PERCENT.
%left CARET.
%left AT.
%left COLLATE.
%right UMINUS.
%left LBRACK RBRACK.
%left LPAREN RPAREN.
%left TYPECAST.
%left DOT.
%left JOIN CROSS LEFT FULL RIGHT INNER NATURAL.

/* ---- the whole text -------------------------------------------------------------------------- */

input ::= MODE_SQL statements.
input ::= MODE_EXPRESSION a_expr(E). { p->result = E; }
input ::= MODE_TYPE type_name(T). { p->result = T; }

statements ::= top_statement(B). { add_statement(p, B, 0); }
statements ::= statements SEMI(S) top_statement(B). { add_statement(p, B, S.location + 1); }

top_statement(A) ::= . { A = NULL; }
top_statement(A) ::= statement(A).
top_statement(A) ::= begin_end(A).

/* A statement known by its first words only: anything that balances. */
rest ::= .
rest ::= rest WILDCARD.
rest ::= rest LPAREN inner_rest RPAREN.
inner_rest ::= .
inner_rest ::= inner_rest WILDCARD.
inner_rest ::= inner_rest SEMI.
inner_rest ::= inner_rest LPAREN inner_rest RPAREN.

/* ---- names ----------------------------------------------------------------------------------- */

%type unreserved_keyword {struct token}
%type col_name_keyword {struct token}
%type type_func_name_keyword {struct token}
%type reserved_keyword {struct token}
%type bare_label_keyword {struct token}

%type col_id {struct token}
col_id(A) ::= IDENT(A).
col_id(A) ::= unreserved_keyword(A).
col_id(A) ::= col_name_keyword(A).

%type type_function_name {struct token}
type_function_name(A) ::= IDENT(A).
type_function_name(A) ::= unreserved_keyword(A).
type_function_name(A) ::= type_func_name_keyword(A).

%type non_reserved_word {struct token}
non_reserved_word(A) ::= IDENT(A).
non_reserved_word(A) ::= unreserved_keyword(A).
non_reserved_word(A) ::= col_name_keyword(A).
non_reserved_word(A) ::= type_func_name_keyword(A).

%type col_label {struct token}
col_label(A) ::= IDENT(A).
col_label(A) ::= unreserved_keyword(A).
col_label(A) ::= col_name_keyword(A).
col_label(A) ::= type_func_name_keyword(A).
col_label(A) ::= reserved_keyword(A).

%type bare_col_label {struct token}
bare_col_label(A) ::= IDENT(A).
bare_col_label(A) ::= bare_label_keyword(A).

%type name {char *}
name(A) ::= col_id(B). { A = P(B.text); }

%type name_list {struct list *}
name_list(A) ::= name(B). { A = list1(p, B); }
name_list(A) ::= name_list(A) COMMA name(B). { A = list_add(p, A, B); }

%type opt_name_list {struct list *}
opt_name_list(A) ::= . { A = NULL; }
opt_name_list(A) ::= LPAREN name_list(B) RPAREN. { A = B; }

%type any_name {struct qname}
any_name(A) ::= col_id(B). { A = qname1(p, B); }
any_name(A) ::= col_id(B) attrs(C). {
    A = qname1(p, B);
    A.names = list_concat(p, A.names, C);
}

%type attrs {struct list *}
attrs(A) ::= DOT col_label(B). { A = list1(p, B.text); }
attrs(A) ::= attrs(A) DOT col_label(B). { A = list_add(p, A, B.text); }

/* A list of ast_name_list. */
%type any_name_list {struct list *}
any_name_list(A) ::= any_name(B). { A = list1(p, make_names(p, B)); }
any_name_list(A) ::= any_name_list(A) COMMA any_name(B). { A = list_add(p, A, make_names(p, B)); }

qualified_name(A) ::= col_id(B). { A = make_range_var(p, qname1(p, B)); }
qualified_name(A) ::= col_id(B) indirection(C). { A = make_range_var(p, qname_steps(p, B, C)); }

%type qualified_name_list {struct list *}
qualified_name_list(A) ::= qualified_name(B). { A = list1(p, B); }
qualified_name_list(A) ::= qualified_name_list(A) COMMA qualified_name(B). { A = list_add(p, A, B); }

%type func_name {struct qname}
func_name(A) ::= type_function_name(B). { A = qname1(p, B); }
func_name(A) ::= col_id(B) indirection(C). { A = qname_steps(p, B, C); }

%type string {char *}
string(A) ::= SCONST(B). { A = P(B.text); }

%type integer {int}
integer(A) ::= ICONST(B). { A = token_integer(B); }
%type signed_integer {int}
signed_integer(A) ::= integer(A).
signed_integer(A) ::= PLUS integer(B). { A = B; }
signed_integer(A) ::= MINUS integer(B). { A = -B; }

/* A number with its sign, as a literal. */
number(A) ::= ICONST(B). { A = make_token_literal(p, LITERAL_INTEGER, B); }
number(A) ::= FCONST(B). { A = make_token_literal(p, LITERAL_NUMERIC, B); }
signed_number(A) ::= number(A).
signed_number(A) ::= PLUS number(B). { A = B; }
signed_number(A) ::= MINUS(M) number(B). { A = make_minus(p, M.location, B); }

/* Words that many statements share. */
%type if_exists {int}
if_exists(A) ::= . { A = 0; }
if_exists(A) ::= IF_LA EXISTS. { A = 1; }
%type drop_behavior {int}
drop_behavior(A) ::= . { A = 0; }
drop_behavior(A) ::= CASCADE. { A = 1; }
drop_behavior(A) ::= RESTRICT. { A = 0; }
%type opt_concurrently {int}
opt_concurrently(A) ::= . { A = 0; }
opt_concurrently(A) ::= CONCURRENTLY. { A = 1; }
opt_with ::= .
opt_with ::= WITH.
opt_with ::= WITH_LA.
opt_as ::= .
opt_as ::= AS.
opt_table ::= .
opt_table ::= TABLE.
