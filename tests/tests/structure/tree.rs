//! The modules of a crate. A name is followed through imports and re-exports to the file that defines it.

use super::scan::{self, Use, scan};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which file takes what from which: by position, with the names.
pub(crate) type Imports = BTreeMap<(usize, usize), BTreeSet<String>>;

/// A crate.
#[derive(Debug)]
pub(crate) struct Tree {
    files: Vec<PathBuf>,
    modules: Vec<Module>,
}

#[derive(Debug)]
struct Module {
    file: usize,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    defines: BTreeSet<String>,
    uses: Vec<Use>,
    paths: BTreeSet<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    Module(usize),
    /// Something that this file defines.
    Item(usize),
}

/// Names that are being looked up: a circle of re-exports finds nothing.
type Open = BTreeSet<(usize, String)>;

impl Tree {
    /// The crate of these files and their texts, each below `src`.
    pub(crate) fn of(files: Vec<(PathBuf, String)>) -> Tree {
        let texts: BTreeMap<PathBuf, String> = files.iter().cloned().collect();
        let mut tree = Tree { files: files.into_iter().map(|file| file.0).collect(), modules: Vec::new() };
        let roots = (0..tree.files.len()).filter(|&file| is_root(&tree.files[file])).collect::<Vec<_>>();
        for file in roots {
            let folder = tree.files[file].parent().map(Path::to_owned).unwrap_or_default();
            let scanned = scan(&texts[&tree.files[file]]);
            tree.add(scanned, file, None, &folder, &texts);
        }
        tree
    }

    /// How many files it has.
    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    /// A file's path.
    pub(crate) fn name(&self, file: usize) -> String {
        self.files[file].display().to_string()
    }

    /// Adds a module whose children have their files in `folder`.
    fn add(
        &mut self,
        scanned: scan::Module,
        file: usize,
        parent: Option<usize>,
        folder: &Path,
        texts: &BTreeMap<PathBuf, String>,
    ) -> usize {
        let at = self.modules.len();
        let scan::Module { children, inner, of_tests, defines, uses, paths, .. } = scanned;
        self.modules.push(Module { file, parent, children: BTreeMap::new(), defines, uses, paths });
        for name in children.into_iter().filter(|name| !of_tests.contains(name)) {
            let places = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
            if let Some(file) = self.files.iter().position(|file| places.contains(file)) {
                let child = self.add(scan(&texts[&self.files[file]]), file, Some(at), &folder.join(&name), texts);
                self.modules[at].children.insert(name, child);
            }
        }
        for module in inner {
            let (name, folder) = (module.name.clone(), folder.join(&module.name));
            let child = self.add(module, file, Some(at), &folder, texts);
            self.modules[at].children.insert(name, child);
        }
        at
    }

    /// Which file takes what from which.
    pub(crate) fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (module, at) in self.modules.iter().zip(0..) {
            // What is only handed on is taken by those who ask for it here.
            let used = module.uses.iter().filter(|used| !used.is_public).map(|used| &used.path);
            for path in used.chain(&module.paths) {
                if let Some(Found::Item(file)) = self.resolve(at, path, &mut Open::new())
                    && file != module.file
                {
                    imports.entry((module.file, file)).or_default().insert(path.join("::"));
                }
            }
        }
        imports
    }

    /// What a path means in a module.
    fn resolve(&self, module: usize, path: &[String], open: &mut Open) -> Option<Found> {
        let mut at = Found::Module(module);
        for (word, i) in path.iter().zip(0..) {
            let Found::Module(module) = at else { break };
            let is_last = i + 1 == path.len();
            at = match word.as_str() {
                "crate" => Found::Module(self.root(module)),
                "self" => at,
                "super" => Found::Module(self.modules[module].parent?),
                name => self.look(module, name, is_last, open)?,
            };
        }
        Some(at)
    }

    fn root(&self, mut module: usize) -> usize {
        while let Some(parent) = self.modules[module].parent {
            module = parent;
        }
        module
    }

    /// What a name means in a module. Modules have names of their own: `lint::lint` is a function of one.
    fn look(&self, module: usize, name: &str, is_last: bool, open: &mut Open) -> Option<Found> {
        if !open.insert((module, name.to_owned())) {
            return None;
        }
        let own = &self.modules[module];
        let item = own.defines.contains(name).then_some(Found::Item(own.file));
        let child = own.children.get(name).map(|&child| Found::Module(child));
        let direct = if is_last { item.or(child) } else { child.or(item) };
        let named = || {
            let mut all = own.uses.iter().filter(|used| used.alias.as_deref() == Some(name));
            all.find_map(|used| self.resolve(module, &used.path, &mut open.clone()))
        };
        let by_glob = || {
            let mut all = own.uses.iter().filter(|used| used.alias.is_none());
            all.find_map(|used| match self.resolve(module, &used.path, &mut open.clone())? {
                Found::Module(other) => self.look(other, name, is_last, &mut open.clone()),
                Found::Item(_) => None,
            })
        };
        direct.or_else(named).or_else(by_glob)
    }
}

/// Whether a file begins a crate: a library, a program, or one of several.
fn is_root(file: &Path) -> bool {
    let name = file.file_name().is_some_and(|name| name == "lib.rs" || name == "main.rs");
    let folder = file.parent().and_then(Path::file_name);
    name && folder.is_some_and(|folder| folder == "src") || folder.is_some_and(|folder| folder == "bin")
}
