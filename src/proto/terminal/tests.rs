//! Screens as a whole: what programs draw, what keyframes rebuild, what hostile output costs.

use super::*;
use crate::proto::limits::KEYFRAME_BYTES_MAX;
use proptest::collection::vec;
use proptest::prelude::*;

fn screen(cols: u16, rows: u16, output: &[u8]) -> Screen {
    let mut screen = Screen::new(Size::new(cols, rows));
    screen.write(output);
    screen
}

fn rebuilt(screen: &Screen) -> Screen {
    let mut fresh = Screen::new(screen.size());
    fresh.write(&screen.keyframe());
    fresh
}

/// Bytes that exercise the emulator: whole sequences with random numbers, text of every width, and rubbish.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![6 => 0u32..12, 1 => 0u32..2_000, 1 => any::<u32>()];
    let csi = ("[?>!]?", vec(number, 0..4), "[ $:]?[@-~]").prop_map(|(marker, numbers, last)| {
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        format!("\x1b[{marker}{}{last}", numbers.join(";")).into_bytes()
    });
    let modes = [1u16, 4, 6, 7, 9, 25, 47, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1048, 1049, 2004];
    let mode = (proptest::sample::select(modes.to_vec()), "[hl]")
        .prop_map(|(mode, last)| format!("\x1b[?{mode}{last}").into_bytes());
    let sgr = vec(prop_oneof![0u16..110, Just(38), Just(5), Just(2)], 0..6).prop_map(|codes| {
        let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
        format!("\x1b[{}m", codes.join(";")).into_bytes()
    });
    prop_oneof![
        6 => "[a-z ]{1,12}".prop_map(String::into_bytes),
        3 => proptest::sample::select(vec!["界", "é", "e\u{301}", "界\u{301}", "\u{200d}", "👩\u{200d}👧", "กำ", "\u{85}", "\u{202e}"])
            .prop_map(|text| text.as_bytes().to_vec()),
        2 => "[\u{8}-\u{f}]{1,3}".prop_map(String::into_bytes),
        2 => Just(b"\r\n".to_vec()),
        4 => csi,
        3 => mode,
        3 => sgr,
        2 => "\x1b[78cDEHM=>]|\x1b[()][0B]|\x1b#8".prop_map(String::into_bytes),
        1 => "\x1b\\]2;[a-z]{0,9}(\x07|\x1b\\\\)?".prop_map(String::into_bytes),
        1 => "\x1b\\[2[23];[02]t".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 1..6),
    ]
}

fn soups() -> impl Strategy<Value = Vec<u8>> {
    vec(soup(), 0..60).prop_map(|pieces| pieces.concat())
}

fn sizes() -> impl Strategy<Value = Size> {
    (2u16..24, 2u16..10).prop_map(|(cols, rows)| Size { cols, rows })
}

/// The emulator hangs or burns on some sequences of nine bytes; a viewer must stay quick whatever a host sends.
#[test]
fn repetition_is_clamped() {
    let mut bomb = screen(20, 4, b"x\x1b[4294967295b");
    assert_eq!((bomb.scrollback_len(), bomb.text().concat().len()), (1, 61), "one and a screen full");
    bomb.resize(Size::new(1_000, 500));
    let before = bomb.scrollback_len();
    bomb.write(&b"\x1b[65535b".repeat(100));
    assert!(bomb.scrollback_len() - before <= 100 * 4_096 / 1_000 + 1);
}

/// A program's copy of the alignment pattern prints every cell for three bytes.
#[test]
fn alignment_pattern_is_left_out() {
    assert_eq!(screen(4, 2, b"\x1b#8ok").text(), ["ok", ""]);
}

/// Accents and vowel signs are no columns: a line with them must end where the program thinks it does.
#[test]
fn combining_marks_share_the_cell_of_their_base() {
    let line = screen(10, 2, "e\u{301}กำ界\u{20dd}|".as_bytes());
    assert_eq!(line.text()[0], "e\u{301}กำ界\u{20dd}|");
    let cells: Vec<Cell<'_>> = line.row(0).unwrap().cells().collect();
    assert_eq!((cells[0].base, cells[0].marks, cells[0].width), ('e', "\u{301}", 1));
    assert_eq!(line.row(0).unwrap().cells().filter(|cell| cell.width == 2).count(), 1);
    assert_eq!(screen(3, 2, "abe\u{301}".as_bytes()).text(), ["abe\u{301}", ""], "also where the line is full");
}

/// Decomposed text also arrives while an editor inserts: the mark must not push the line.
#[test]
fn mark_in_insert_mode_shifts_nothing() {
    assert_eq!(screen(10, 2, "xyz\r\x1b[4he\u{301}".as_bytes()).text()[0], "e\u{301}xyz");
}

/// Direction overrides reorder what the viewer's terminal shows: they must not reach a cell.
#[test]
fn invisible_controls_reach_no_cell() {
    assert_eq!(screen(20, 2, "a\u{202e}b\u{200b}c\u{feff}d\u{9b}31m".as_bytes()).text()[0], "abcd\u{fffd}31m");
}

/// The alternate screen goes and the shell's lines are back: that is how editors leave.
#[test]
fn alternate_screen_comes_and_goes() {
    for mode in [47, 1047, 1049] {
        let mut shell = screen(10, 3, b"$ vi");
        shell.write(format!("\x1b[?{mode}h\x1b[2J\x1b[Htext").as_bytes());
        assert!(shell.modes().alternate);
        assert_eq!(shell.text()[0], "text");
        shell.write(format!("\x1b[?{mode}l").as_bytes());
        assert_eq!((shell.modes().alternate, shell.text()[0].as_str()), (false, "$ vi"));
    }
}

/// A viewer's keyboard and mouse follow these; a reset must not leave the mouse captured.
#[test]
fn input_modes_are_followed_and_reset() {
    let set = b"\x1b[?1;2004;1004h\x1b[?1002h\x1b[?1006h\x1b=";
    for reset in ["\x1bc", "\x1b[!p"] {
        let mut program = screen(10, 3, set);
        let expected = Modes {
            app_cursor: true,
            app_keypad: true,
            bracketed_paste: true,
            mouse: MouseMode::Drag,
            mouse_encoding: MouseEncoding::Sgr,
            focus_events: true,
            alternate: false,
        };
        assert_eq!(program.modes(), expected);
        program.write(reset.as_bytes());
        assert_eq!(program.modes(), Modes::default());
    }
}

/// A title is shown in the viewer's own interface, and editors put the old one back.
#[test]
fn title_is_one_safe_line_and_can_be_put_aside() {
    let mut shell = screen(10, 3, "\x1b]0;she\u{202e}ll\u{7}\x1b[22;0t\x1b]2;ed\u{1}itor\x1b\\".as_bytes());
    assert_eq!(shell.title(), "editor");
    shell.write(b"\x1b[23;0t");
    assert_eq!(shell.title(), "shell");
    shell.write(&[b"\x1b]2;", "ä".repeat(400).as_bytes(), b"\x07"].concat());
    assert_eq!(shell.title().len(), 256);
}

/// What a program tells other terminals to do, a viewer does not.
#[test]
fn clipboard_graphics_and_window_sequences_show_nothing() {
    let output = b"a\x1b]52;c;ZXZpbA==\x07\x1bPq#0;2;0;0;0#0~~@@\x1b\\\x1b_Ga=T;AAAA\x1b\\\x1b[8;2;2t\x1b[>4;2mb";
    let quiet = screen(10, 3, output);
    assert_eq!(quiet.text()[0], "ab");
    assert_eq!(quiet.size(), Size::new(10, 3));
}

/// A viewer who scrolls back reads what has passed.
#[test]
fn scrollback_is_kept_and_bounded() {
    let mut screen = Screen::with_scrollback(Size::new(10, 2), 50);
    for n in 0..200 {
        screen.write(format!("line {n}\r\n").as_bytes());
    }
    assert_eq!(screen.scrollback_len(), 50);
    let back = |lines| screen.view(lines).map(|row| row.text().trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(back(0), ["line 199", ""]);
    assert_eq!(back(3), ["line 196", "line 197"]);
    assert_eq!(back(usize::MAX), ["line 149", "line 150"]);
}

/// Browsers' emulators read `38:2:r:g:b` as a colour space and two colours: a keyframe has none of it.
#[test]
fn keyframe_writes_colours_with_semicolons_and_leaves_text_alone() {
    let mut screen = Screen::new(Size::new(20, 2));
    screen.write(b"\x1b[1;38:2::255:100:50m12:34\x1b[0m \x1b[48;5;25m[5:6m");
    let keyframe = String::from_utf8(screen.keyframe()).unwrap();
    assert!(keyframe.contains("38;2;255;100;50"), "{keyframe:?}");
    assert!(keyframe.contains("48;5;25"), "{keyframe:?}");
    assert!(keyframe.contains("12:34") && keyframe.contains("[5:6m"), "{keyframe:?}");
}

/// A keyframe comes every few seconds: it must not cost the viewer what it has scrolled past.
#[test]
fn restoring_keeps_the_scrollback() {
    let mut viewer = screen(10, 2, b"1\r\n2\r\n3\r\n4");
    let host = screen(12, 3, b"\x1b[?1049hvim");
    viewer.restore(host.size(), &host.keyframe());
    assert_eq!(viewer.snapshot(), host.snapshot());
    viewer.write(b"\x1b[?1049l");
    assert!(viewer.scrollback_len() > 0);
}

/// A screen full of colours on a large display is over the limit of a keyframe; it must still be shown.
#[test]
fn keyframe_of_a_large_colourful_screen_stays_within_its_bound() {
    for (cols, rows, text) in [(500, 150, "x"), (1_000, 500, "█")] {
        let mut large = Screen::with_scrollback(Size::new(cols, rows), 0);
        large.write(b"\x1b[?1049h\x1b[?1h");
        for cell in 0..u32::from(cols) * u32::from(rows) {
            let [r, g, b, _] = cell.to_le_bytes();
            large.write(format!("\x1b[38;2;{r};{g};{b}m\x1b[48;2;{b};{r};{g}m{text}").as_bytes());
        }
        large.write(b"\x1b[3;4H");
        let keyframe = large.keyframe();
        assert!(keyframe.len() <= KEYFRAME_BYTES_MAX, "{} bytes", keyframe.len());
        let viewer = rebuilt(&large);
        assert_eq!((viewer.cursor(), viewer.modes()), (Some((2, 3)), large.modes()));
        let same = |n| viewer.row(n).unwrap().cells().eq(large.row(n).unwrap().cells());
        assert!(viewer.text()[0] == large.text()[0]);
        if cols == 500 {
            let differ = (0..150).find(|n| viewer.text()[*n] != large.text()[*n]);
            assert_eq!(differ, None);
            assert!((0..20).all(same), "the upper rows keep their colours");
        }
    }
}

/// A viewer's window shrinks to nothing and grows again; one emulator is known to hang on that.
#[test]
fn resize_to_the_smallest_and_back_keeps_going() {
    let mut wide = screen(80, 2, "界".repeat(50).as_bytes());
    wide.resize(Size { cols: 0, rows: 0 });
    assert_eq!(wide.size(), Size { cols: 2, rows: 2 });
    wide.write("界\u{301}x".as_bytes());
    wide.resize(Size { cols: 80, rows: 24 });
    assert_eq!(rebuilt(&wide).snapshot(), wide.snapshot());
    wide.resize(Size { cols: u16::MAX, rows: u16::MAX });
    assert_eq!(wide.size(), Size { cols: 1_000, rows: 500 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Network and PTY cut where they like; every viewer must see the same.
    #[test]
    fn any_cut_gives_the_same_screen(size in sizes(), output in soups(), piece in 1usize..7) {
        let whole = screen(size.cols, size.rows, &output);
        let mut cut = Screen::new(size);
        output.chunks(piece).for_each(|bytes| cut.write(bytes));
        prop_assert_eq!(cut.snapshot(), whole.snapshot());
    }

    /// A late joiner sees what everybody sees, then and after whatever comes next.
    #[test]
    fn keyframe_rebuilds_the_screen(size in sizes(), output in soups(), next in soups()) {
        let mut host = screen(size.cols, size.rows, &output);
        let mut viewer = rebuilt(&host);
        prop_assert_eq!(viewer.snapshot(), host.snapshot());
        host.write(&next);
        viewer.write(&next);
        prop_assert_eq!(viewer.snapshot(), host.snapshot());
    }

    /// A viewer that has fallen behind is in any state when the keyframe comes.
    #[test]
    fn restore_works_from_any_state(sizes in (sizes(), sizes()), stale in soups(), output in soups()) {
        let host = screen(sizes.0.cols, sizes.0.rows, &output);
        let mut viewer = screen(sizes.1.cols, sizes.1.rows, &stale);
        viewer.restore(host.size(), &host.keyframe());
        prop_assert_eq!(viewer.snapshot(), host.snapshot());
    }

    /// Resizing in between changes lines, never the rules.
    #[test]
    fn keyframe_rebuilds_a_resized_screen(sizes in vec(sizes(), 1..4), output in soups()) {
        let mut host = Screen::new(Size::default());
        for size in sizes {
            host.write(&output);
            host.resize(size);
        }
        prop_assert_eq!(rebuilt(&host).snapshot(), host.snapshot());
        prop_assert!(host.keyframe().len() <= KEYFRAME_BYTES_MAX);
    }
}
