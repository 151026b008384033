//! String literals of the sources, with what they are handed to.

#[path = "../common/sources.rs"]
mod rust_files;

use proc_macro2::{TokenStream, TokenTree};
use rust_files::collect;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Lit, LitStr, Meta};

/// Signs and names that are the same in both languages.
const UNITS: &[&str] = &[
    "ms", "kb/s", "Mb/s", "kB", "MB", "GB", "KiB", "MiB", "GiB", "dB", "dBFS", "Hz", "kHz", "fps",
    "REC", "Ctrl", "Shift", "Alt", "Enter", "Matroska",
];

/// A string literal outside of tests.
#[derive(Clone, Debug)]
pub struct Literal {
    /// From the project's folder, with `/`.
    pub file: String,
    /// Line.
    pub line: usize,
    /// The macro (`format!`), method (`.warn`) or attribute (`#error`) that takes it, where there is one.
    pub taker: String,
    /// What stands in it.
    pub text: String,
}

impl Literal {
    /// Whether somebody could read it: two words or more, or a word and a placeholder, and not handed
    /// to what only developers read or what only looks for it.
    pub fn is_message(&self) -> bool {
        let bare = without_placeholders(&self.text);
        let words: Vec<&str> = bare.split(' ').collect();
        let is_word = |word: &str| {
            let word =
                word.trim_matches(|c: char| c.is_ascii_punctuation() || c == '“' || c == '”');
            !UNITS.contains(&word)
                && word.len() >= 2
                && word
                    .chars()
                    .all(|c| c.is_alphabetic() || c == '\'' || c == '-')
                && word.chars().next().is_some_and(char::is_alphabetic)
        };
        words.len() > 1
            && words.iter().any(|word| is_word(word))
            && !matches!(
                self.taker.as_str(),
                "trace!"
                    | "debug!"
                    | "info!"
                    | "warn!"
                    | "error!"
                    | "eprintln!"
                    | ".contains"
                    | ".starts_with"
                    | ".ends_with"
                    | ".strip_prefix"
                    | ".split_once"
                    | ".expect"
                    | "assert!"
                    | "assert_eq!"
                    | "unreachable!"
                    | "debug_assert!"
            )
    }
}

/// `text` with each `{...}` as one mark.
fn without_placeholders(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = 0;
                out.push('\u{1}');
            }
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// All literals below `src` of `project`, without tests' files.
///
/// # Panics
/// Where a source cannot be read.
pub fn literals(project: &Path) -> Vec<Literal> {
    let mut files = Vec::new();
    collect(&project.join("src"), &mut files);
    files.sort();
    let mut tests = BTreeSet::new();
    let mut all = Vec::new();
    for path in files {
        let code = std::fs::read_to_string(&path).expect("UTF-8");
        let inner = path.strip_prefix(project).expect("below the project");
        let name = inner.to_string_lossy().replace('\\', "/");
        let file = syn::parse_file(&code).unwrap_or_else(|e| panic!("{name}: {e}"));
        tests_of(&path, &file, &mut tests);
        all.push((path, name, file));
    }
    let shown = all.iter().filter(|(path, ..)| !tests.contains(path));
    shown
        .flat_map(|(_, name, file)| of_file(name, file))
        .collect()
}

/// The literals of one file's text.
///
/// # Errors
/// Where it does not parse.
pub fn of_code(name: &str, code: &str) -> syn::Result<Vec<Literal>> {
    Ok(of_file(name, &syn::parse_file(code)?))
}

fn of_file(name: &str, file: &syn::File) -> Vec<Literal> {
    let mut finder = Finder {
        file: name.to_owned(),
        takers: Vec::new(),
        found: Vec::new(),
    };
    finder.visit_file(file);
    finder.found
}

/// Files of modules that are for tests only.
fn tests_of(path: &Path, file: &syn::File, tests: &mut BTreeSet<PathBuf>) {
    let folder = path.parent().expect("in a folder");
    let stem = path.file_stem().expect("a name").to_string_lossy();
    let inner = match stem.as_ref() {
        "mod" | "lib" | "main" => folder.to_owned(),
        stem => folder.join(stem),
    };
    for item in &file.items {
        let syn::Item::Mod(module) = item else {
            continue;
        };
        if module.content.is_some() || !is_test(&module.attrs) {
            continue;
        }
        let named = module.attrs.iter().find_map(|attr| match &attr.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                Expr::Lit(lit) => match &lit.lit {
                    Lit::Str(path) => Some(folder.join(path.value())),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        });
        let name = module.ident.to_string();
        tests.insert(named.unwrap_or_else(|| inner.join(format!("{name}.rs"))));
        tests.insert(inner.join(name).join("mod.rs"));
    }
}

/// Whether this is built for tests only.
fn is_test(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            let mut words = list.tokens.clone().into_iter();
            let first = words.next().map(|t| t.to_string());
            match first.as_deref() {
                Some("test") => true,
                Some("all") => match words.next() {
                    Some(TokenTree::Group(group)) => {
                        group.stream().into_iter().any(|t| t.to_string() == "test")
                    }
                    _ => false,
                },
                _ => false,
            }
        }
        _ => false,
    })
}

struct Finder {
    file: String,
    takers: Vec<String>,
    found: Vec<Literal>,
}

impl Finder {
    fn add(&mut self, line: usize, taker: &str, text: String) {
        self.found.push(Literal {
            file: self.file.clone(),
            line,
            taker: taker.to_owned(),
            text,
        });
    }

    /// Within a macro or an attribute there are only tokens.
    fn tokens(&mut self, stream: TokenStream, taker: &str) {
        let mut before: [Option<TokenTree>; 2] = [None, None];
        for token in stream {
            match &token {
                TokenTree::Group(group) => {
                    let name = match &before {
                        [Some(TokenTree::Ident(name)), Some(TokenTree::Punct(p))]
                            if p.as_char() == '!' =>
                        {
                            format!("{name}!")
                        }
                        [Some(TokenTree::Punct(p)), Some(TokenTree::Ident(name))]
                            if p.as_char() == '.' =>
                        {
                            format!(".{name}")
                        }
                        _ => taker.to_owned(),
                    };
                    self.tokens(group.stream(), &name);
                }
                TokenTree::Literal(literal) => {
                    let is_doc =
                        matches!(&before, [Some(TokenTree::Ident(name)), Some(_)] if name == "doc");
                    if is_doc {
                        // A doc comment within a macro.
                    } else if let Ok(text) = syn::parse_str::<LitStr>(&literal.to_string()) {
                        self.add(literal.span().start().line, taker, text.value());
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
            before = [before[1].take(), Some(token)];
        }
    }

    fn within(&mut self, taker: String, look: impl FnOnce(&mut Self)) {
        self.takers.push(taker);
        look(self);
        self.takers.pop();
    }
}

impl<'a> Visit<'a> for Finder {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        if !is_test(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_const(&mut self, item: &'a syn::ItemConst) {
        if !is_test(&item.attrs) {
            visit::visit_item_const(self, item);
        }
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        // Doc comments and clap's help are not messages.
        if let Meta::List(list) = &attribute.meta
            && list.path.is_ident("error")
        {
            self.tokens(list.tokens.clone(), "#error");
        }
    }

    fn visit_macro(&mut self, of: &'a syn::Macro) {
        let name = of.path.segments.last().map(|s| s.ident.to_string());
        self.tokens(of.tokens.clone(), &format!("{}!", name.unwrap_or_default()));
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        self.visit_expr(&call.receiver);
        self.within(format!(".{}", call.method), |finder| {
            for argument in &call.args {
                finder.visit_expr(argument);
            }
        });
    }

    fn visit_expr_call(&mut self, call: &'a syn::ExprCall) {
        self.within(String::new(), |finder| visit::visit_expr_call(finder, call));
    }

    fn visit_lit_str(&mut self, literal: &'a LitStr) {
        let taker = self.takers.last().cloned().unwrap_or_default();
        self.add(literal.span().start().line, &taker, literal.value());
    }
}
