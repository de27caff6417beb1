//! Messages of the wire, made and taken apart by hand: the tests must be able to send what no library would.

/// One message from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    pub body: Vec<u8>,
}

/// A column of a RowDescription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub table: u32,
    pub number: u16,
    pub ty: u32,
    pub size: i16,
    pub typmod: i32,
    pub format: u16,
}

/// Reads the fields of a message's body in order.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        head
    }

    pub fn u8(&mut self) -> u8 {
        self.bytes(1)[0]
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes(2).try_into().unwrap())
    }

    pub fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.bytes(4).try_into().unwrap())
    }

    pub fn string(&mut self) -> String {
        let end = self.0.iter().position(|b| *b == 0).expect("a string ends with a zero");
        let text = String::from_utf8(self.bytes(end).to_vec()).expect("the server speaks UTF-8");
        self.bytes(1);
        text
    }
}

impl Message {
    pub fn reader(&self) -> Reader<'_> {
        Reader(&self.body)
    }

    /// The columns of a RowDescription.
    pub fn columns(&self) -> Vec<Column> {
        assert_eq!(self.kind, b'T');
        let mut r = self.reader();
        let columns = (0..r.u16())
            .map(|_| Column {
                name: r.string(),
                table: r.i32() as u32,
                number: r.u16(),
                ty: r.i32() as u32,
                size: r.u16() as i16,
                typmod: r.i32(),
                format: r.u16(),
            })
            .collect();
        assert!(r.0.is_empty());
        columns
    }

    /// The values of a DataRow.
    pub fn values(&self) -> Vec<Option<Vec<u8>>> {
        assert_eq!(self.kind, b'D');
        let mut r = self.reader();
        let values = (0..r.u16())
            .map(|_| match r.i32() {
                -1 => None,
                n => Some(r.bytes(n as usize).to_vec()),
            })
            .collect();
        assert!(r.0.is_empty());
        values
    }

    /// The fields of an ErrorResponse or NoticeResponse by their code.
    pub fn fields(&self) -> std::collections::BTreeMap<char, String> {
        assert!(matches!(self.kind, b'E' | b'N'));
        let mut r = self.reader();
        let mut fields = std::collections::BTreeMap::new();
        loop {
            match r.u8() {
                0 => break,
                code => fields.insert(char::from(code), r.string()),
            };
        }
        assert!(r.0.is_empty());
        fields
    }
}

/// A message with its type byte and length.
pub fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut m = vec![kind];
    m.extend((body.len() as u32 + 4).to_be_bytes());
    m.extend(body);
    m
}

/// A start-up packet, which has no type byte.
pub fn startup(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend(zero_ended(name));
        body.extend(zero_ended(value));
    }
    body.push(0);
    packet(&body)
}

/// A packet of the start: a length and what it counts.
pub fn packet(body: &[u8]) -> Vec<u8> {
    let mut m = (body.len() as u32 + 4).to_be_bytes().to_vec();
    m.extend(body);
    m
}

pub fn zero_ended(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

pub fn query(sql: &str) -> Vec<u8> {
    framed(b'Q', &zero_ended(sql))
}

pub fn parse(name: &str, sql: &str, types: &[u32]) -> Vec<u8> {
    let mut body = zero_ended(name);
    body.extend(zero_ended(sql));
    body.extend((types.len() as u16).to_be_bytes());
    types.iter().for_each(|t| body.extend(t.to_be_bytes()));
    framed(b'P', &body)
}

/// What Bind carries besides names.
#[derive(Default)]
pub struct Binding<'a> {
    pub formats: &'a [u16],
    pub values: &'a [Option<&'a [u8]>],
    pub results: &'a [u16],
}

pub fn bind(portal: &str, statement: &str, with: &Binding) -> Vec<u8> {
    let formats = |body: &mut Vec<u8>, codes: &[u16]| {
        body.extend((codes.len() as u16).to_be_bytes());
        codes.iter().for_each(|f| body.extend(f.to_be_bytes()));
    };
    let mut body = zero_ended(portal);
    body.extend(zero_ended(statement));
    formats(&mut body, with.formats);
    body.extend((with.values.len() as u16).to_be_bytes());
    for value in with.values {
        match value {
            None => body.extend((-1i32).to_be_bytes()),
            Some(v) => {
                body.extend((v.len() as u32).to_be_bytes());
                body.extend(*v);
            }
        }
    }
    formats(&mut body, with.results);
    framed(b'B', &body)
}

/// `what` is `S` for a statement and `P` for a portal.
pub fn describe(what: u8, name: &str) -> Vec<u8> {
    let mut body = vec![what];
    body.extend(zero_ended(name));
    framed(b'D', &body)
}

pub fn close(what: u8, name: &str) -> Vec<u8> {
    let mut body = vec![what];
    body.extend(zero_ended(name));
    framed(b'C', &body)
}

/// `rows` 0 asks for all.
pub fn execute(portal: &str, rows: i32) -> Vec<u8> {
    let mut body = zero_ended(portal);
    body.extend(rows.to_be_bytes());
    framed(b'E', &body)
}

pub fn sync() -> Vec<u8> {
    framed(b'S', b"")
}

pub fn flush() -> Vec<u8> {
    framed(b'H', b"")
}
