//! A server that does nothing: it answers every query with one row that holds `0`, so what a load generator reaches
//! against it is the ceiling of the protocol, the kernel and the generator on this machine.

use bytes::{Buf, BufMut, BytesMut};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Runs while it is held.
pub struct NullServer {
    pub address: SocketAddr,
    _runtime: Runtime,
}

impl NullServer {
    pub fn start() -> std::io::Result<NullServer> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(stream));
            }
        });
        Ok(NullServer { address, _runtime: runtime })
    }
}

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut input, mut output) = (BytesMut::with_capacity(4096), BytesMut::with_capacity(4096));
    let mut started = false;
    while stream.read_buf(&mut input).await? > 0 {
        let open = if started { answer(&mut input, &mut output) } else { start(&mut input, &mut output, &mut started) };
        stream.write_all(&output).await?;
        output.clear();
        if !open {
            break;
        }
    }
    Ok(())
}

/// The packets before a session: encryption is refused, any start-up message accepted.
fn start(input: &mut BytesMut, output: &mut BytesMut, started: &mut bool) -> bool {
    while let Some(length) = input.get(..4) {
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        if length < 8 || input.len() < length {
            return length >= 8;
        }
        let packet = input.split_to(length);
        if (&packet[4..8]).get_u16() == 1234 {
            output.put_u8(b'N');
            continue;
        }
        message(output, b'R', &[0, 0, 0, 0]);
        for (name, value) in [("server_version", "15.0"), ("client_encoding", "UTF8"), ("integer_datetimes", "on")] {
            message(output, b'S', format!("{name}\0{value}\0").as_bytes());
        }
        message(output, b'Z', b"I");
        *started = true;
        return answer(input, output);
    }
    true
}

/// Answers the whole messages that have arrived; false when the client says goodbye.
fn answer(input: &mut BytesMut, output: &mut BytesMut) -> bool {
    while let Some(length) = input.get(1..5) {
        let end = 1 + u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        if input.len() < end {
            break;
        }
        match input.split_to(end)[0] {
            b'Q' => {
                description(output);
                row(output);
                message(output, b'Z', b"I");
            }
            b'P' => message(output, b'1', b""),
            b'B' => message(output, b'2', b""),
            b'D' => description(output),
            b'E' => row(output),
            b'C' => message(output, b'3', b""),
            b'S' => message(output, b'Z', b"I"),
            b'X' => return false,
            _ => {}
        }
    }
    true
}

fn message(output: &mut BytesMut, kind: u8, body: &[u8]) {
    output.put_u8(kind);
    output.put_u32(body.len() as u32 + 4);
    output.put_slice(body);
}

/// One int4 column named `abalance`.
fn description(output: &mut BytesMut) {
    message(output, b'T', b"\0\x01abalance\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0");
}

fn row(output: &mut BytesMut) {
    message(output, b'D', b"\0\x01\0\0\0\x010");
    message(output, b'C', b"SELECT 1\0");
}
