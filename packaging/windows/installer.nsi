; The installer for Windows. packaging/windows/package.sh calls makensis with the values below; nothing is said twice.
;
;   VERSION 0.1.0  VERSION4 0.1.0.0  TITLE  SUMMARY  PUBLISHER  ID  FILES folder of what is installed  ICON  OUTPUT
;   SIGN a command that signs a file; nothing is signed without
;   FAST defined: packed quickly and larger, for trials
;
; Command line: /S silent, /CurrentUser (as without) or /AllUsers, /D=FOLDER last and unquoted.
; The uninstaller: /S silent, /SETTINGS removes the settings too (of the user who starts it).
; Ends with 0, 1 cancelled, 2 not possible (said on the screen unless silent), 5 the console is running.
; 64 bits, as the program: wine without its 32-bit half runs it too. Debian's and Ubuntu's NSIS has what it takes.
Target amd64-unicode
!ifdef FAST
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
!endif
!ifdef SIGN
  ; The uninstaller is made while the installer is; %1 is its file.
  !uninstfinalize '${SIGN} "%1"'
!endif
ManifestDPIAware true
ManifestSupportedOS Win10

!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${ID}"
!define MULTIUSER_EXECUTIONLEVEL Highest
!define MULTIUSER_MUI
!define MULTIUSER_INSTALLMODE_COMMANDLINE
!define MULTIUSER_INSTALLMODE_DEFAULT_CURRENTUSER
!define MULTIUSER_USE_PROGRAMFILES64
!define MULTIUSER_INSTALLMODE_INSTDIR "${TITLE}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_KEY "${UNINSTALL_KEY}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_VALUENAME "InstallLocation"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_KEY "${UNINSTALL_KEY}"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_VALUENAME "InstallLocation"
!include MultiUser.nsh
!include MUI2.nsh
!include FileFunc.nsh
!include LogicLib.nsh
!include x64.nsh
!include WinVer.nsh

Name "${TITLE}"
OutFile "${OUTPUT}"
BrandingText "${TITLE} ${VERSION}"
VIProductVersion "${VERSION4}"
VIAddVersionKey "ProductName" "${TITLE}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "${TITLE}: installer"
VIAddVersionKey "CompanyName" "${PUBLISHER}"
VIAddVersionKey "LegalCopyright" "MIT OR Apache-2.0; ffmpeg in it: GPL-3.0-or-later"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_FUNCTION start_as_user
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${FILES}\licences\LICENCES.txt"
!insertmacro MULTIUSER_PAGE_INSTALLMODE
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_COMPONENTS
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
; NSIS has these in no Korean.
!define MULTIUSER_TEXT_INSTALLMODE_TITLE "사용자 선택"
!define MULTIUSER_TEXT_INSTALLMODE_SUBTITLE "누가 쓸 수 있게 $(^NameDA)을(를) 설치할지 선택하세요."
!define MULTIUSER_INNERTEXT_INSTALLMODE_TOP "$(^NameDA)을(를) 나만 쓰도록 설치할지, 이 컴퓨터의 모든 사용자가 쓰도록 설치할지 선택하세요. $(^ClickNext)"
!define MULTIUSER_INNERTEXT_INSTALLMODE_ALLUSERS "이 컴퓨터의 모든 사용자"
!define MULTIUSER_INNERTEXT_INSTALLMODE_CURRENTUSER "나만"
!insertmacro MUI_LANGUAGE "Korean"

LangString TEXT_RUNNING ${LANG_ENGLISH} "${TITLE} is running. End the show, close it, then start this again."
LangString TEXT_RUNNING ${LANG_KOREAN} "${TITLE}이(가) 실행 중입니다. 송출을 끝내고 창을 닫은 뒤 다시 시작하세요."
LangString TEXT_OLD ${LANG_ENGLISH} "${TITLE} needs Windows 10 (1903) or newer, 64 bits."
LangString TEXT_OLD ${LANG_KOREAN} "${TITLE}에는 64비트 Windows 10(1903) 이상이 필요합니다."
LangString TEXT_PROGRAM ${LANG_ENGLISH} "Program"
LangString TEXT_PROGRAM ${LANG_KOREAN} "프로그램"
LangString TEXT_DESKTOP ${LANG_ENGLISH} "Shortcut on the desktop"
LangString TEXT_DESKTOP ${LANG_KOREAN} "바탕 화면 바로 가기"
LangString TEXT_SETTINGS ${LANG_ENGLISH} "Settings, profiles, logs, fetched programs"
LangString TEXT_SETTINGS ${LANG_KOREAN} "설정, 프로필, 로그, 받은 프로그램"

; 5 where PROGRAM runs: a running program's file cannot be opened for writing.
!macro REFUSE_WHILE_RUNNING un
Function ${un}refuse_while_running
  ${If} ${FileExists} "$INSTDIR\pd-console.exe"
    ClearErrors
    FileOpen $0 "$INSTDIR\pd-console.exe" a
    ${If} ${Errors}
      MessageBox MB_OK|MB_ICONEXCLAMATION "$(TEXT_RUNNING)" /SD IDOK
      SetErrorLevel 5
      Quit
    ${EndIf}
    FileClose $0
  ${EndIf}
FunctionEnd
!macroend
!insertmacro REFUSE_WHILE_RUNNING ""
!insertmacro REFUSE_WHILE_RUNNING "un."

Function .onInit
  ; Windows.Graphics.Capture's borders and cursor, and what the program links, are there from 1903 (build 18362) on.
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastBuild} 18362
    MessageBox MB_OK|MB_ICONSTOP "$(TEXT_OLD)" /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  SetRegView 64
  !insertmacro MULTIUSER_INIT
FunctionEnd

; An elevated installer must not start the console elevated: the desktop's shell does, as the user.
Function start_as_user
  Exec '"$WINDIR\explorer.exe" "$INSTDIR\PD Console.exe"'
FunctionEnd

Section "!$(TEXT_PROGRAM)" program
  SectionIn RO
  Call refuse_while_running
  ; An older version goes first, by its own uninstaller, which knows its files; the settings stay.
  ReadRegStr $1 SHCTX "${UNINSTALL_KEY}" "InstallLocation"
  ${If} $1 != ""
  ${AndIf} ${FileExists} "$1\uninstall.exe"
    ClearErrors
    ExecWait '"$1\uninstall.exe" /S /$MultiUser.InstallMode _?=$1' $2
    ${If} $2 = 5
      SetErrorLevel 5
      Quit
    ${EndIf}
    Delete "$1\uninstall.exe"
    RMDir "$1"
  ${EndIf}

  SetOutPath "$INSTDIR"
  File "${FILES}\pd-console.exe"
  File "${FILES}\PD Console.exe"
  File "${FILES}\ffmpeg.exe"
  File /r "${FILES}\licences"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortCut "$SMPROGRAMS\${TITLE}.lnk" "$INSTDIR\PD Console.exe" "" "$INSTDIR\pd-console.exe" 0 "" "" "${SUMMARY}"

  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayName" "${TITLE}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "Publisher" "${PUBLISHER}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\pd-console.exe,0"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode'
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode /S'
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  IntFmt $0 "0x%08X" $0
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "EstimatedSize" "$0"
SectionEnd

Section /o "$(TEXT_DESKTOP)" desktop
  CreateShortCut "$DESKTOP\${TITLE}.lnk" "$INSTDIR\PD Console.exe" "" "$INSTDIR\pd-console.exe" 0 "" "" "${SUMMARY}"
SectionEnd

Section "!un.$(TEXT_PROGRAM)"
  SectionIn RO
  Call un.refuse_while_running
  ; Its own files by name: what somebody else put there stays.
  Delete "$INSTDIR\pd-console.exe"
  Delete "$INSTDIR\PD Console.exe"
  Delete "$INSTDIR\ffmpeg.exe"
  RMDir /r "$INSTDIR\licences"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\${TITLE}.lnk"
  Delete "$DESKTOP\${TITLE}.lnk"
  DeleteRegKey SHCTX "${UNINSTALL_KEY}"
  SetShellVarContext current
  ; What was found out about programs and encoders; it is found out again.
  RMDir /r "$LOCALAPPDATA\pd-console"
SectionEnd

Section /o "un.$(TEXT_SETTINGS)" un_settings
  SetShellVarContext current
  RMDir /r "$APPDATA\pd-console"
SectionEnd

Function un.onInit
  SetRegView 64
  !insertmacro MULTIUSER_UNINIT
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/SETTINGS" $1
  ${IfNot} ${Errors}
    !insertmacro SelectSection ${un_settings}
  ${EndIf}
FunctionEnd
